"""Ways to lose or empty a part of the grid under load: Frankfurt, which serves clients at Stockholm and Zürich."""
import time
from dataclasses import dataclass
from typing import Callable

from deadline import until
from load import Load

VICTIM, DOORS, OTHER = "frankfurt", ("stockholm", "zurich"), "paris"
AFTER_S = 1.0  # what is sent later than this after the harm is served as if nothing had ever been there


@dataclass
class Harm:
    name: str
    do: Callable
    undo: Callable
    gone: bool = True    # Frankfurt serves nobody then
    gentle: bool = False  # nothing at all may fail, and no stream end early


def kill(*names):
    return lambda grid: grid.kill(*names)


def restart(*names):
    def again(grid):
        grid.restart(*names)
        grid.ready()
    return again


def drain(what, name):
    return lambda grid: grid.cli("drain", what, name)


def uncordon(what, name):
    return lambda grid: grid.cli("uncordon", what, name)


def direct(grid):
    """Whether both ends say that the link between Stockholm and Frankfurt is up."""
    link = next(one for one in grid.status()["links"] if {one["a"], one["b"]} == {"stockholm", VICTIM})
    return len(link["seen_by"]) == 2 and all(seen["up"] for seen in link["seen_by"])


def mend(grid):
    grid.link("stockholm", VICTIM, "--restore")
    until(lambda: direct(grid), 15, "the link is up again")


SITE = (f"gateway-{VICTIM}", f"agent-{VICTIM}-1")
HARMS = (
    Harm("a node killed", kill(SITE[1]), restart(SITE[1])),
    Harm("a site killed", kill(*SITE), restart(*SITE)),
    Harm("a node drained", drain("node", f"{VICTIM}-1"), uncordon("node", f"{VICTIM}-1"), gentle=True),
    Harm("a site drained", drain("site", VICTIM), uncordon("site", VICTIM), gentle=True),
    Harm("the link between two sites cut", lambda grid: grid.link("stockholm", VICTIM, "--cut"), mend, gone=False),
    Harm("the gateway of another site killed", kill(SITE[0]), restart(SITE[0])),
)


def both_places(grid):
    """Of four requests two embeddings, a stream and a whole answer: at Frankfurt, or else in Paris."""
    def make(site, n, turn):
        way = {"grid": {"only": [VICTIM, OTHER]}}
        if (n + turn) % 4 in (0, 2):
            return "/v1/embeddings", {"model": grid.embedding_model, "input": f"{site} {n} {turn}", **way}
        stream = (n + turn) % 4 == 1
        return "/v1/chat/completions", grid.chat_body(f"Count to {turn}.", 40 if stream else 6, stream=stream, **way)
    return make


def streaming(load):
    """Streams that have begun at the victim and are not over."""
    return [o for o in load.under_way() if o.stream and o.head and o.answered_by == VICTIM]


def suffer(grid, harm):
    """One round: (outcomes, the moment of the harm, how many streams were then under way at the victim)."""
    with Load(grid, DOORS, both_places(grid), clients=3) as load:
        try:
            under_way = len(until(lambda: streaming(load), 30, f"a stream under way at {VICTIM}"))
            at = time.monotonic()
            harm.do(grid)
            done = time.monotonic()
            until(lambda: len(later(load.outcomes, done)) >= 8, 60, f"answers after {harm.name}")
            load.stop()
        finally:
            load.stop()
            harm.undo(grid)
    if harm.gone:
        assert all(o.answered_by != VICTIM for o in later(load.outcomes, done)), f"{VICTIM} answers after {harm.name}"
    return load.outcomes, at, under_way


def later(outcomes, done):
    """Of those sent well after the harm, the finished ones."""
    return [o for o in list(outcomes) if o.sent > done + AFTER_S and o.finished]
