"""A node, then a whole site, killed with -9 under streams; what every client saw is counted."""
import sys
import time

from stage import perform
from deadline import until
from load import Load, silent_cuts, unstarted_failures

PLACES, CLIENTS = ("frankfurt", "madrid"), ("stockholm", "zurich", "lyon")  # each of the places has one node
TOKENS = 24


def streams(grid):
    """Every request a stream that may run at either place, and was asked at neither."""
    return lambda site, n, turn: ("/v1/chat/completions", grid.chat_body(
        f"Count to {turn}.", max_tokens=TOKENS, stream=True, grid={"only": list(PLACES)}))


def act(stage, what, names_of):
    """Kills what serves, in the middle of a stream, and brings it back; gives what went wrong."""
    grid, names = stage.grid, []
    stage.say(f"clients at {', '.join(CLIENTS)} stream from {' and '.join(PLACES)}")
    try:
        with Load(grid, CLIENTS, streams(grid), clients=1) as load:
            serving = until(lambda: next((o for o in load.under_way() if o.answered_by), None), 20, "a stream under way")
            victim = serving.answered_by
            names = names_of(victim)
            killed = time.monotonic()
            grid.kill(*names)
            stage.say(f"kill -9 of {', '.join(names)}")
            until(lambda: sum(o.sent > killed + 1 and o.finished for o in list(load.outcomes)) >= 4, 40, "answers after the kill")
    finally:
        if names:
            grid.restart(*names)
    return tell(stage, what, load.outcomes, killed, victim)


def tell(stage, what, outcomes, killed, victim):
    under_way = [o for o in outcomes if o.sent < killed < o.ended]
    resumed = [o for o in under_way if o.finished and o.answered_by == victim and 0 < o.head < killed]
    rerouted = [o for o in outcomes if o.finished and o.sent < killed + 1 and o.head > killed and o.answered_by != victim]
    cut = [o for o in outcomes if o.started and not o.finished]
    unstarted, silent = unstarted_failures(outcomes), silent_cuts(outcomes)
    slowest = max((o.head - max(o.sent, killed) for o in rerouted), default=0)
    stage.row(what, "requests", str(len(outcomes)))
    stage.row("", "under way at the kill", str(len(under_way)))
    stage.row("", "begun elsewhere, the slowest first token after", str(len(rerouted)), f"{slowest * 1000:.0f} ms")
    stage.row("", "begun there, and ended whole all the same", str(len(resumed)))
    stage.row("", "streams cut, which said so", str(len(cut) - len(silent)))
    stage.row("", "streams cut silently", str(len(silent)))
    stage.row("", "failed before they had begun", str(len(unstarted)))
    wrong = [f"{what}: {o.site} lost a request that had not begun: {o.why}" for o in unstarted]
    wrong += [f"{what}: a stream of {o.site} ended as if it were whole: {o.why!r}" for o in silent]
    return wrong


def show(stage):
    wrong = act(stage, "a node", lambda site: [f"agent-{node}" for node in stage.grid.nodes_at(site)])
    stage.grid.ready()
    stage.say("back")
    wrong += act(stage, "a site", stage.grid.of_site)
    stage.grid.ready()
    stage.say("back")
    return wrong


if __name__ == "__main__":
    sys.exit(perform("Failover: killed in the middle of answers", show))
