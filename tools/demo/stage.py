"""The stage of a demonstration: a grid that runs already, or one of its own that it stops at the end; what is said; the verdict.

Speaks to the grid as the end-to-end tests do, through the JSON of `aigrid up --detach --json`. A demonstration is a function
show(stage) that gives the sentences of what went wrong; none: the verdict is good and the exit code 0."""
import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from grid import Grid  # noqa: E402  (the path comes first)


class Stage:
    def __init__(self, grid):
        self.grid, self.began = grid, time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def row(self, *cells):
        widths = (10, 46, 12)
        print("          " + "  ".join(f"{c:<{w}}" for c, w in zip(cells, widths)) + "  " + "  ".join(cells[len(widths):]), flush=True)


def running(state):
    """The JSON of the grid that runs on `state`, or None."""
    try:
        said = json.loads((Path(state) / "up/grid.json").read_text())
        os.kill(said["control"]["pid"], 0)
        return said
    except (OSError, ValueError, KeyError):
        return None


def perform(title, show):
    options = argparse.ArgumentParser(description=title)
    options.add_argument("--state", default=str(ROOT / ".dev/state"), help="of the grid to use; started there if none runs")
    state = Path(options.parse_args().state).resolve()
    grid, said = Grid(state=state), running(state)
    print(f"{title}\n", flush=True)
    own = said is None
    try:
        if own:
            print("no grid runs here: starting one, and stopping it at the end", flush=True)
            grid.start()
        else:
            grid.take(said)
        grid.ready()
        stage = Stage(grid)
        wrong = show(stage)
        took = time.monotonic() - stage.began
    finally:
        if own:
            grid.stop()
    print("\n" + "\n".join(f"✗ {sentence}" for sentence in wrong) if wrong else "\n✓ as promised", f"({took:.0f} s)", flush=True)
    return 1 if wrong else 0
