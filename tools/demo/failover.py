"""A node, then a whole site, killed with -9 under streams; what every client saw is counted."""
import sys
import time

from stage import perform
from deadline import until
from load import Load, silent_cuts, unstarted_failures

VICTIM, CLIENTS = "frankfurt", ("stockholm", "zurich", "madrid")
TOKENS = 24


def streams(grid):
    """Every request a stream that may run at the victim or where it was asked."""
    return lambda site, n, turn: ("/v1/chat/completions", grid.chat_body(
        f"Count to {turn}.", max_tokens=TOKENS, stream=True, grid={"only": [VICTIM, site]}))


def act(stage, what, names):
    """Kills `names` in the middle of a load and brings them back; gives what went wrong."""
    grid = stage.grid
    stage.say(f"clients at {', '.join(CLIENTS)} stream; then kill -9 of {', '.join(names)}")
    try:
        with Load(grid, CLIENTS, streams(grid), clients=2) as load:
            until(lambda: sum(o.answered_by == VICTIM for o in load.outcomes[-30:]) >= 2, 20, f"{VICTIM} serving them")
            killed = time.monotonic()
            grid.kill(*names)
            until(lambda: sum(o.sent > killed + 1 and o.finished for o in list(load.outcomes)) >= 6, 30, "answers after the kill")
    finally:
        grid.restart(*names)
    return tell(stage, what, load.outcomes, killed)


def tell(stage, what, outcomes, killed):
    under_way = [o for o in outcomes if o.sent < killed < o.ended]
    resumed = [o for o in under_way if o.finished and o.answered_by == VICTIM and 0 < o.head < killed]
    rerouted = [o for o in outcomes if o.finished and o.sent < killed + 1 and o.head > killed and o.answered_by != VICTIM]
    cut = [o for o in outcomes if o.started and not o.finished]
    unstarted, silent = unstarted_failures(outcomes), silent_cuts(outcomes)
    slowest = max((o.head - max(o.sent, killed) for o in rerouted), default=0)
    stage.row(what, "requests", str(len(outcomes)))
    stage.row("", "under way at the kill", str(len(under_way)))
    stage.row("", "answered elsewhere, the slowest after", str(len(rerouted)), f"{slowest * 1000:.0f} ms")
    stage.row("", "begun there, and ended whole all the same", str(len(resumed)))
    stage.row("", "streams cut, which said so", str(len(cut) - len(silent)))
    stage.row("", "streams cut silently", str(len(silent)))
    stage.row("", "failed before they had begun", str(len(unstarted)))
    wrong = [f"{what}: {o.site} lost a request that had not begun: {o.why}" for o in unstarted]
    wrong += [f"{what}: a stream of {o.site} ended as if it were whole: {o.why!r}" for o in silent]
    if slowest > 1:
        wrong.append(f"{what}: rerouted only after {slowest:.2f} s")
    return wrong


def show(stage):
    wrong = act(stage, "a node", [f"agent-{node}" for node in stage.grid.nodes_at(VICTIM)])
    stage.grid.ready()
    stage.say("back")
    wrong += act(stage, "a site", stage.grid.of_site(VICTIM))
    stage.grid.ready()
    stage.say("back")
    return wrong


if __name__ == "__main__":
    sys.exit(perform("Failover: killed in the middle of answers", show))
