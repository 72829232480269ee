"""`make campaign ARGS="seed=1 count=200 kinds=masks,images"`.

    count=N     mutated inputs, shared evenly among the kinds (2000)
    kinds=A,B   some of them; `kills` is the campaign of kills and signals, which takes words of its own besides
    kills=N     kills and signals (100)
    seed=N      of all chance (0)
    json=FILE   where the outcomes are kept (campaign.json)
"""

import importlib
import sys
from pathlib import Path

from campaigns.campaign import kinds, outcomes, table, write
from campaigns.outcomes import Outcome

DEFAULTS = {"count": "2000", "kinds": "", "kills": "100", "seed": "0", "json": "campaign.json"}
KILLS = "kills"


def main(arguments: list[str]) -> int:
    given = dict(DEFAULTS, **dict(word.split("=", 1) for word in arguments if word.split("=")[0] in DEFAULTS))
    others = [word for word in arguments if word.split("=")[0] not in DEFAULTS]
    known = kinds()
    there = [*known, KILLS]
    names = given["kinds"].split(",") if given["kinds"] else there
    if unknown := [name for name in names if name not in there] or [w for w in others if KILLS not in names]:
        sys.exit(f"{', '.join(unknown)}: the kinds are {', '.join(there)}\n{__doc__}")
    seed, found = int(given["seed"]), []
    inputs = [known[name] for name in names if name != KILLS]
    for index, module in enumerate(inputs):
        share = int(given["count"]) // len(inputs) + (index < int(given["count"]) % len(inputs))
        found += outcomes(module, share, seed, tell)
    if found:
        write(Path(given["json"]), found, seed)
        print(f"\n{table(found)}", flush=True)
    failed = any(outcome.result != "right" for outcome in found)
    if KILLS in names:
        words = [f"count={given['kills']}", f"seed={seed}", *others]
        try:
            importlib.import_module(f"campaigns.{KILLS}").main(words)
        except SystemExit as stop:
            failed |= bool(stop.code)
    return int(failed)


def tell(outcome: Outcome) -> None:
    """Print an outcome that is not right."""
    if outcome.result != "right":
        print(f"{outcome.kind}: {outcome.result}: {outcome.name}\n    {outcome.words[:600]}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
