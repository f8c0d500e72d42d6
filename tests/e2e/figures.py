"""Prints the figures of a running grid as a table: .dev/venv/bin/python tests/e2e/figures.py [NAME[=COUNT]…] (after ./dev build).

Starts the example grid, measures as the tests do, and stops it. COUNT: of writes, rounds, seconds, requests or kills; without it a
short form. Names: start, propagation, failover, outage, residency, ledger, streams; none: the first four. The rows are those of a
Markdown table; ./dev drill keeps them."""
import sys
import time

import broken_streams
import harms
import mixed_run
import test_failover
import test_propagation
import test_residency
from deadline import percentile, until
from grid import FRENCH, Grid, run
from load import Load, mixed, silent_cuts, unstarted_failures

ROWS = []


def row(figure, value, limit="", good=True):
    ROWS.append(good)
    print(f"| {figure} | {value} | {limit} | {'' if good else '**missed**'} |", flush=True)


def start(grid, _):
    """From the start of `up` over a state that exists to the first token of a chat at its first gateway."""
    run("down", "--state", grid.state)
    began = time.monotonic()
    grid.start()
    until(lambda: next(grid.stream("paris", text="Hi", max_tokens=2).events()), 30, "a first token")
    took = time.monotonic() - began
    row("a later `up`, to the first token of a chat", f"{took:.1f} s", "10 s", took <= 10)
    grid.ready()


def propagation(grid, writes):
    taken = test_propagation.delays(grid, writes)
    grid.delete("tenants", "speed")
    row("write → applied on all gateways, p50", f"{percentile(taken, 0.5) * 1000:.0f} ms")
    row("write → applied on all gateways, p99", f"{percentile(taken, 0.99) * 1000:.0f} ms", "1000 ms", percentile(taken, 0.99) <= 1)


def reroute(grid, what, names, rounds):
    """Clients at other sites, embeddings only: how long the ones take that are hit."""
    slowest, hit = [], 0
    for _ in range(rounds):
        try:
            one, count = test_failover.reroute(grid, names, "frankfurt", ["stockholm", "zurich"])
            slowest, hit = [*slowest, one], hit + count
        finally:
            grid.restart(*names)
            grid.ready()
    row(f"{what} killed with -9 under embeddings, {rounds} times: the slowest of {hit} rerouted requests",
        f"{max(slowest) * 1000:.0f} ms", "1000 ms", max(slowest) <= 1)


def survive(grid, harm, rounds):
    outcomes, under_way = [], 0
    for _ in range(rounds):
        seen, _, streams = harms.suffer(grid, harm)
        outcomes, under_way = outcomes + seen, under_way + streams
    what = f"{harm.name}, {rounds} times, {len(outcomes)} requests, {under_way} streams there at the moment"
    unstarted, cut = unstarted_failures(outcomes), silent_cuts(outcomes)
    row(f"{what}: requests that had not begun and failed", len(unstarted), 0, not unstarted)
    row("the same: streams that ended without a word", len(cut), 0, not cut)
    if harm.gentle:
        failed = [o for o in outcomes if not o.finished and not o.stream]
        ended = [o for o in outcomes if not o.finished and o.stream]
        row("the same: requests failed, streams cut", f"{len(failed)}, {len(ended)}", "0, 0", not failed and not ended)


def failover(grid, rounds):
    reroute(grid, "a node", ["agent-frankfurt-1"], rounds)
    reroute(grid, "a site", grid.of_site("frankfurt"), rounds)
    for harm in harms.HARMS:
        survive(grid, harm, rounds)


def outage(grid, seconds):
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


def ledger(grid, count):
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
    taken = mixed_run.stopping_times(grid, max(5, count // 25))
    row(f"client gone → engine idle through two gateways, the slowest of {len(taken)}", f"{max(taken) * 1000:.0f} ms", "250 ms",
        max(taken) <= 0.25)


def residency(grid, requests):
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


def streams(grid, kills):
    seen = broken_streams.measure(grid, kills)
    row(f"{seen.streams} greedy streams, 8 at a time, a node killed with -9 under them {kills} times: wrong ends", seen.wrong, "0", not seen.wrong)
    row(f"of {seen.hit} whose node died: resumed at another", share(seen.resumed, seen.hit), "≥ 99 %", seen.resumed >= 0.99 * seen.hit > 0)
    row("of these: continued from exactly the ids that their client had", share(seen.exact, seen.resumed), "100 %", seen.exact == seen.resumed)
    row("of these: the very text of the unbroken stream", share(seen.same, seen.resumed), "≥ 98 %", seen.same >= 0.98 * seen.resumed)
    row("of the others: part where the engine's two likeliest tokens nearly tie", f"{seen.near} of {seen.resumed - seen.same}", "all",
        seen.near == seen.resumed - seen.same)
    whole, beyond = (broken_streams.p99(of) * 1000 for of in (seen.pauses, seen.beyond))
    row("pause that a client saw over the change of node, p99", f"{whole:.0f} ms")
    row("of it beyond what the CPU engine itself says it spent on prompts, p99 (detection is in it)", f"{beyond:.0f} ms", "500 ms", beyond <= 500)
    for line in seen.odd:
        print(line, file=sys.stderr)


def share(part, whole):
    return f"{part} ({part / max(whole, 1):.1%})"


# name → what measures it, and the count of its short form.
FIGURES = {"start": (start, 1), "propagation": (propagation, 50), "failover": (failover, 1), "outage": (outage, 10),
           "residency": (residency, 160), "ledger": (ledger, 30), "streams": (streams, 2)}


def read(words):
    """[(what measures it, count)] of NAME or NAME=COUNT."""
    out = []
    for word in words:
        name, _, count = word.partition("=")
        if name not in FIGURES or not (count or "1").isdigit():
            sys.exit(f"figures: no figure \"{word}\"; there are {', '.join(FIGURES)}, each with =COUNT or without")
        out.append((FIGURES[name][0], int(count or FIGURES[name][1])))
    return out


def main(words):
    asked = read(words or [n for n in FIGURES if n not in ("residency", "ledger", "streams")])
    print("| figure | measured | limit | |\n|---|---|---|---|", flush=True)
    grid = Grid()
    try:
        grid.start()
        grid.ready()
        for measure, count in asked:
            measure(grid, count)
    finally:
        grid.stop()
    return 0 if all(ROWS) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
