"""Prints the figures of a running grid as a table: .dev/venv/bin/python tests/e2e/figures.py [NAME…] (after ./dev build).

Starts the example grid, measures as the tests do, and stops it. AIGRID_FULL=1: the long forms. Names: start, propagation,
failover, outage, residency, ledger, streams; none: the first four. The rows are those of a Markdown table; ./dev drill keeps them."""
import sys
import time

import broken_streams
import mixed_run
import test_failover
import test_propagation
import test_residency
from deadline import percentile, until
from grid import FRENCH, FULL, Grid, run
from load import Load, mixed

ROWS = []


def row(figure, value, limit="", good=True):
    ROWS.append(good)
    print(f"| {figure} | {value} | {limit} | {'' if good else '**missed**'} |", flush=True)


def start(grid):
    """From the start of `up` over a state that exists to the first token of a chat at its first gateway."""
    run("down", "--state", grid.state)
    began = time.monotonic()
    grid.start()
    until(lambda: next(grid.stream("paris", text="Hi", max_tokens=2).events()), 30, "a first token")
    took = time.monotonic() - began
    row("a later `up`, to the first token of a chat", f"{took:.1f} s", "10 s", took <= 10)
    grid.ready()


def propagation(grid):
    taken = test_propagation.delays(grid, 200 if FULL else 50)
    grid.delete("tenants", "speed")
    row("write → applied on all gateways, p50", f"{percentile(taken, 0.5) * 1000:.0f} ms")
    row("write → applied on all gateways, p99", f"{percentile(taken, 0.99) * 1000:.0f} ms", "1000 ms", percentile(taken, 0.99) <= 1)


def reroute(grid, what, names):
    """With clients at other sites; asserts that nothing unstarted failed and no stream ended silently."""
    slowest, hit = [], 0
    for _ in range(5 if FULL else 1):
        try:
            one, count = test_failover.reroute(grid, names, "frankfurt", ["stockholm", "zurich"])
            slowest, hit = [*slowest, one], hit + count
        finally:
            grid.restart(*names)
            grid.ready()
    row(f"{what} killed with -9 under load, {len(slowest)} times: the slowest of {hit} rerouted requests",
        f"{max(slowest) * 1000:.0f} ms", "1000 ms", max(slowest) <= 1)
    row(f"{what}: requests that had not begun and failed", "0", "0")  # reroute() has asserted it


def failover(grid):
    reroute(grid, "a node", ["agent-frankfurt-1"])
    reroute(grid, "a site", grid.of_site("frankfurt"))


def outage(grid):
    seconds = 60 if FULL else 10
    grid.kill("control")
    try:
        with Load(grid, ["paris", "stockholm", "zurich"], mixed(grid)) as load:
            began = time.monotonic()
            grid.kill("gateway-madrid")
            grid.restart("gateway-madrid")
            until(lambda: time.monotonic() - began > seconds, seconds + 5, "the outage")
    finally:
        grid.restart("control")
        grid.ready()
    failed = [o for o in load.outcomes if not o.finished]
    row(f"control dead for {seconds} s, Madrid's gateway killed and restarted meanwhile: failed of {load.count()} requests",
        str(len(failed)), "0", not failed)
    grid.settled(60)
    row("the same: records still missing at control after its return", "0", "0")  # settled() has waited for it


def ledger(grid):
    count = 500 if FULL else 30
    def deaths():
        for names in (["agent-paris-1"], grid.of_site("lyon"), ["gateway-zurich"]):
            grid.kill(*names)
            grid.restart(*names)
            grid.ready()
    first = mixed_run.Clients(grid, count // 2, seed=1).run(deaths)
    before_ledger, before_engines = mixed_run.quiet(grid)
    second = mixed_run.Clients(grid, count - count // 2, seed=2).run()
    after_ledger, after_engines = mixed_run.quiet(grid)
    off = [(e1 - e0) - (l1 - l0) for e0, e1, l0, l1 in zip(before_engines, after_engines, before_ledger, after_ledger)]
    # A request whose ingress was killed is closed by control a quarter of an hour later.
    missing, doubled = mixed_run.records(grid, [i for i in first.ids + second.ids if "_zurich" not in i])
    left = first.left + second.left
    row(f"real engines, {count} requests, {left} left by their client, a node, a site and a gateway killed: records missing, doubled",
        f"{len(missing)}, {len(doubled)}", "0, 0", not missing and not doubled)
    row("the same, engines that were not killed, idle: their own counters − ledger, prompt and generated tokens",
        f"{off[0]}, {off[1]}", "0, 0", off == [0, 0])
    taken = mixed_run.stopping_times(grid, 20 if FULL else 5)
    row(f"client gone → engine idle through two gateways, the slowest of {len(taken)}", f"{max(taken) * 1000:.0f} ms", "250 ms",
        max(taken) <= 0.25)


def residency(grid):
    requests = 1000 if FULL else 160
    answers, tokens = test_residency.campaign(grid, requests)
    test_residency.check_answers(answers)
    served = [a for _, a in answers if getattr(a, "status", 0) == 200]
    abroad = sum(sum(counted) for counted in tokens.values())
    row(f"{requests} requests of the tenant bound to France, random intents, all gateways, Lyon killed at half: answered",
        str(len(served)))
    row("refused with their rule, or with no place up", str(sum(getattr(a, "status", 0) >= 400 for _, a in answers)))
    row("asked at Lyon's gateway as it died: connection lost", str(sum(isinstance(a, OSError) for _, a in answers)))
    row("answered outside France, as the answers say", str(sum(a.headers["x-aigrid-site"] not in FRENCH for a in served)), "0",
        all(a.headers["x-aigrid-site"] in FRENCH for a in served))
    row(f"tokens that the engines of the {len(tokens)} nodes outside France counted meanwhile", str(abroad), "0", not abroad)


FIGURES = {"start": start, "propagation": propagation, "failover": failover, "outage": outage, "residency": residency,
           "ledger": ledger, "streams": streams}


def streams(grid):
    kills = 25 if FULL else 2
    total, wrong, resumed, same, near, longest = broken_streams.measure(grid, kills)
    row(f"{total} greedy streams, 8 at a time, a node killed with -9 under them {kills} times: wrong ends", wrong, "0", wrong == 0)
    row("of these resumed at another node", resumed, "> 0", resumed > 0)
    row("of these with the very text of the unbroken stream", f"{same} ({same / max(resumed, 1):.1%})", "98 %", same >= 0.98 * resumed)
    row("of the others, those that part where the engine's two likeliest tokens nearly tie", f"{near} of {resumed - same}", "all",
        near == resumed - same)
    row("longest pause that a client saw, with the prompt read again by a CPU", f"{longest * 1000:.0f} ms")


def main(names):
    unknown = [n for n in names if n not in FIGURES]
    if unknown:
        sys.exit(f"figures: no figure \"{unknown[0]}\"; there are {', '.join(FIGURES)}")
    print("| figure | measured | limit | |\n|---|---|---|---|", flush=True)
    grid = Grid()
    try:
        grid.start()
        grid.ready()
        for name in names or [n for n in FIGURES if n not in ("residency", "ledger", "streams")]:
            FIGURES[name](grid)
    finally:
        grid.stop()
    return 0 if all(ROWS) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
