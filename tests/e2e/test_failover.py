"""Nodes and sites killed with -9 under load from clients elsewhere: what had not begun to answer does not fail."""
import os
import signal
import time

import pytest

import harms
from deadline import until
from load import Load, silent_cuts, unstarted_failures

REROUTE_S = 1.0


def slowest_after(outcomes, killed):
    """Of the requests under way at the kill or sent in the second after it: the longest wait from the kill (or, if it was
    sent later, from its sending) to the beginning of its answer."""
    hit = [o for o in outcomes if o.sent < killed + 1 and o.head > killed and o.finished]
    return max((o.head - max(o.sent, killed) for o in hit), default=0.0), len(hit)


def check(load, killed, elsewhere_than):
    load.stop()
    failed = unstarted_failures(load.outcomes)
    assert not failed, f"{len(failed)} of {load.count()} requests that had not begun failed: {failed[:3]}"
    cut = silent_cuts(load.outcomes)
    assert not cut, f"{len(cut)} streams ended without saying so: {cut[:3]}"
    after = [o for o in load.outcomes if o.sent > killed + REROUTE_S and o.finished]
    assert after and all(o.answered_by != elsewhere_than for o in after)


def embeddings(grid):
    return lambda site, n, turn: ("/v1/embeddings", {"model": grid.embedding_model, "input": f"{site} {n} {turn}"})


def reroute(grid, processes, victim, sites):
    """Clients at `sites` whose requests run at `victim` until its processes are killed: the slowest reroute, in seconds."""
    with Load(grid, sites, embeddings(grid), clients=2) as load:
        until(lambda: sum(o.answered_by == victim for o in load.outcomes[-20:]) >= 5, 15, f"{victim} serving them")
        killed = time.monotonic()
        grid.kill(*processes)
        until(lambda: sum(o.sent > killed + REROUTE_S and o.finished for o in load.outcomes[-50:]) >= 10, 20, "answers after the kill")
    check(load, killed, victim)
    return slowest_after(load.outcomes, killed)


def test_a_node_killed_under_load_fails_nothing_unstarted(grid):
    # Frankfurt has one node, so losing it moves its requests to another site.
    try:
        slowest, hit = reroute(grid, ["agent-frankfurt-1"], "frankfurt", ["frankfurt", "stockholm"])
    finally:
        grid.restart("agent-frankfurt-1")
        grid.ready()
    assert hit and slowest <= REROUTE_S, f"{hit} requests rerouted, the slowest in {slowest:.2f} s"


def test_a_site_killed_under_load_fails_nothing_unstarted(grid):
    try:
        slowest, hit = reroute(grid, grid.of_site("frankfurt"), "frankfurt", ["stockholm", "zurich"])
    finally:
        grid.restart(*grid.of_site("frankfurt"))
        grid.ready()
    assert hit and slowest <= REROUTE_S, f"{hit} requests rerouted, the slowest in {slowest:.2f} s"


@pytest.mark.parametrize("harm", harms.HARMS, ids=lambda harm: harm.name.replace(" ", "-"))
def test_losing_or_emptying_a_part_under_load_fails_nothing_that_had_not_begun(grid, harm):
    outcomes, _, under_way = harms.suffer(grid, harm)
    assert under_way and not unstarted_failures(outcomes), unstarted_failures(outcomes)[:3]
    assert not silent_cuts(outcomes), silent_cuts(outcomes)[:3]
    if harm.gentle:
        assert all(o.finished for o in outcomes), [o for o in outcomes if not o.finished][:3]


def test_an_engine_that_dies_is_started_again(grid):
    dead = grid.engines("madrid-1")[0]["pid"]
    os.kill(dead, signal.SIGKILL)
    def again():
        engine = grid.engines("madrid-1")[0]
        return engine["state"] == "ready" and engine["pid"] != dead
    until(again, 30, "a new engine in Madrid")
    answer = grid.chat("madrid", text="Hi", max_tokens=2, grid={"only": ["madrid"]})
    assert answer.status == 200 and answer.headers["x-aigrid-site"] == "madrid", answer
