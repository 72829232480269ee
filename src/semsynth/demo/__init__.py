"""The painting page and the server that draws for it.

    page/     the page: its own files, which talk to an engine (page/engine.js)
    painter   one run, drawing maps of one size
    starts    the maps that one begins with
    uploads   masks and photographs of anybody
    turns     one model, one at a time, the last stroke first
    guard     who may ask: host, origin, token, what a page may do
    app       what is asked and answered
    serving   the address, the link, the server
"""
