"""Prints the figures of a running grid as a table: .dev/venv/bin/python tests/e2e/figures.py (after ./dev build).

Starts the example grid, measures as the tests do, and stops it. AIGRID_FULL=1: the long forms."""
import sys
import time

import test_failover
import test_propagation
from deadline import percentile, until
from grid import FULL, Grid, run
from load import Load, mixed, unstarted_failures

ROWS = []


def row(figure, value, limit, good):
    ROWS.append((figure, value, limit, "yes" if good else "NO"))
    print(f"{figure:<64} {value:>16} {limit:>10} {'' if good else 'NO':>4}", flush=True)


def first_token_of_a_later_up(grid):
    """From the start of `up` over a state that exists to the first token of a chat at its first gateway."""
    run("down", "--state", grid.state)
    start = time.monotonic()
    grid.start()
    until(lambda: next(grid.stream("paris", text="Hi", max_tokens=2).events()), 30, "a first token")
    took = time.monotonic() - start
    row("a later `up`, to the first token of a chat", f"{took:.1f} s", "10 s", took <= 10)
    grid.ready()


def propagation(grid):
    taken = test_propagation.delays(grid, 200 if FULL else 50)
    grid.delete("tenants", "speed")
    row("write → applied on all gateways, p50", f"{percentile(taken, 0.5) * 1000:.0f} ms", "", True)
    row("write → applied on all gateways, p99", f"{percentile(taken, 0.99) * 1000:.0f} ms", "1000 ms", percentile(taken, 0.99) <= 1)


def reroute(grid, what, names):
    try:
        slowest, hit = test_failover.reroute(grid, names, "frankfurt", ["stockholm", "zurich"])
        row(f"{what} killed under load: the slowest of {hit} rerouted requests", f"{slowest * 1000:.0f} ms", "1000 ms", slowest <= 1)
    finally:
        grid.restart(*names)
        grid.ready()


def control_outage(grid):
    seconds = 60 if FULL else 10
    grid.kill("control")
    try:
        with Load(grid, ["paris", "stockholm", "zurich"], mixed(grid)) as load:
            start = time.monotonic()
            grid.kill("gateway-madrid")
            grid.restart("gateway-madrid")
            until(lambda: time.monotonic() - start > seconds, seconds + 5, "the outage")
    finally:
        grid.restart("control")
        grid.ready()
    failed = [o for o in load.outcomes if not o.finished]
    assert len(failed) >= len(unstarted_failures(load.outcomes))
    row(f"control dead for {seconds} s, a gateway restarted: failed of {load.count()}", str(len(failed)), "0", not failed)


def main():
    print(f"{'figure':<64} {'measured':>16} {'limit':>10}")
    grid = Grid()
    try:
        grid.start()
        grid.ready()
        first_token_of_a_later_up(grid)
        propagation(grid)
        reroute(grid, "a node", ["agent-frankfurt-1"])
        reroute(grid, "a site", grid.of_site("frankfurt"))
        control_outage(grid)
    finally:
        grid.stop()
    return 0 if all(r[-1] == "yes" for r in ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
