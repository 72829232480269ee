"""What the name of a class may be, so that it reads everywhere as it was written."""

LONGEST = 200  # characters


def fault_of(name: object) -> str:
    """What keeps a text from being a class's name, in words; empty where nothing does.

    A name is one line of text that can be printed. `${...}` would be replaced wherever a configuration is resolved, and
    `???` counts there as a value that is missing.

    >>> fault_of("traffic light (off) | 50 % <b>"), fault_of("a\\nb")
    ('', 'it holds what cannot be printed in a line')
    """
    if not isinstance(name, str):
        return "it is no text"
    if not name.strip():
        return "it is empty"
    if len(name) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not name.isprintable():
        return "it holds what cannot be printed in a line"
    if "${" in name:
        return "${ begins a reference in configurations: write it otherwise"
    return "??? stands for a value that is missing: write it otherwise" if name == "???" else ""
