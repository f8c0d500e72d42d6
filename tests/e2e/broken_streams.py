"""Greedy streams whose node is killed in the middle, held against the same streams unbroken and against what the grid says it did."""
import json
import re
import threading
import time
from dataclasses import dataclass, field

import wire
from deadline import percentile, until
from mixed_run import busy

TOPICS = ("a lighthouse keeper", "a river in spring", "the first winter on Mars", "an old clock maker", "a train at night",
          "a garden after rain", "the last bookshop in town", "a fox in the city")
MAX_TOKENS = 100
TOGETHER_S = 0.05  # engines read prompts that come together in one go
NEAR_TIE = 0.15  # between the logarithms of the probabilities of the engine's two likeliest tokens


def asked(topic, **more):
    return {"text": f"Write a long story about {topic}.", "max_tokens": MAX_TOKENS, "temperature": 0, **more}


class Told:
    """What one client saw of one stream."""

    def __init__(self, stream):
        self.id, self.stream = stream.headers.get("x-request-id", ""), stream
        self.objects, self.came, self.done = [], [], False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for event in self.stream.events():
            if event == "[DONE]":
                self.done = True
            else:
                self.came.append(time.monotonic())
                self.objects.append(json.loads(event))

    @property
    def said(self):
        """[(text, when it came)] of every event that says something."""
        texts = ["".join(c["delta"].get("content") or "" for c in o.get("choices", [])) for o in list(self.objects)]
        return [(text, came) for text, came in zip(texts, self.came) if text]

    @property
    def text(self):
        return "".join(text for text, _ in self.said)

    @property
    def note(self):
        return self.objects[-1].get("grid", {}) if self.objects else {}

    @property
    def stopped(self):
        return any(c.get("finish_reason") == "stop" for o in self.objects for c in o.get("choices", []))

    def broken(self):
        """Ended otherwise than a stream that nothing happened to."""
        roles = sum("role" in c["delta"] for o in self.objects for c in o.get("choices", []))
        return not self.done or roles != 1 or any("error" in o for o in self.objects) or len({o["id"] for o in self.objects}) != 1


class Unbroken:
    """The engine's own tokens of the same question, and how nearly undecided it was at each."""

    def __init__(self, grid, topic):
        told = grid.chat("frankfurt", **asked(topic, logprobs=True, top_logprobs=2)).json
        content = told["choices"][0]["logprobs"]["content"]
        self.tokens, self.usage = [token["token"] for token in content], told["usage"]
        self.text = "".join(self.tokens)
        best = [sorted((t["logprob"] for t in token["top_logprobs"]), reverse=True) for token in content]
        self.gaps = [b[0] - b[1] if len(b) > 1 else float("inf") for b in best]

    def gap_where_parts(self, text):
        """Between the two likeliest tokens, at the first token that `text` does not have."""
        end = 0
        for token, gap in zip(self.tokens, self.gaps):
            end += len(token)
            if text[:end] != self.text[:end]:
                return gap
        return float("inf")


@dataclass
class Figures:
    streams: int = 0
    wrong: int = 0    # ended otherwise than an unbroken one
    hit: int = 0      # their node died under them
    resumed: int = 0  # went on at another
    exact: int = 0    # from the very ids that their client had
    same: int = 0     # text of the unbroken stream
    near: int = 0     # of the others, those that part at a near tie
    pauses: list = field(default_factory=list)  # seconds that a client waited for its next token over the change of node
    beyond: list = field(default_factory=list)  # the same, without the engine's reading of prompts
    odd: list = field(default_factory=list)     # what is neither, in words


def p99(seconds):
    return percentile(seconds, 0.99) if seconds else 0.0


@dataclass
class Moved:
    """A stream that went on at another node."""
    node: str
    tokens: int   # of its prompt there
    pause: float
    first: float  # when the first token from there came


def attempts(grid, door, told):
    """What the grid wrote down of the attempts of a request."""
    shown = until(lambda: (a := wire.ask(grid.url(door), f"/v1/grid/requests/{told.id}", None, wire.bearer(grid.key("acme")))).status == 200
                  and a, 10, f"the record of {told.id}")
    return shown.json["timeline"]["attempts"]


def prefill_seconds(grid, node):
    """What the chat engine of a node has spent on prompts since it started, as it says itself."""
    engine = next(e for e in grid.engines(node) if e["deployment"] == "smollm2")
    text = wire.ask(engine["url"], "/metrics", headers=grid.secret(node, "smollm2")).body.decode()
    return float(re.search(r"^\w+:prompt_seconds_total(?:\{[^}]*\})? ([0-9.e+-]+)$", text, re.M)[1])


def beyond_prefill(moved, spent):
    """What of each pause its engine did not spend on prompts: its own, and those that were read before it or with it. Nothing but
    what goes on asks these engines then; `spent`: seconds of each node."""
    for m in moved:
        there = [other for other in moved if other.node == m.node]
        ahead = sum(other.tokens for other in there if other.first <= m.first + TOGETHER_S)
        yield max(0.0, m.pause - spent[m.node] * ahead / sum(other.tokens for other in there))


def judge(out, tried, told, right):
    """One stream whose node died. Delivered: the prompt of the attempt that went on, beyond that of the question, is what its node
    was given; the client had these tokens, and no other, when the rest came. Gives how it moved, if it did and that could be seen."""
    out.hit += 1
    if not told.note.get("resumed"):
        out.odd.append(f"{told.id} was not resumed: {tried[-1]['result']}")
        return None
    out.resumed += 1
    if told.text == right.text:
        out.same += 1
    elif right.gap_where_parts(told.text) <= NEAR_TIE:
        out.near += 1
    else:
        out.odd.append(f"{told.id} parts where the two likeliest are {right.gap_where_parts(told.text):.3f} apart")
    made, rest = sum(a["completion_tokens"] for a in tried[:-1]), tried[-1]["completion_tokens"]
    said, given = told.said, tried[-1]["prompt_tokens"] - right.usage["prompt_tokens"]
    silent = made + rest - len(said)  # tokens without an event of their own: but for the one that ends an answer there are none
    if told.note["resumed_by"] != "tokens" or silent not in (0, int(told.stopped)) or not 0 < given < len(said):
        out.odd.append(f"{told.id}: resumed by {told.note['resumed_by']} with {given} tokens, {len(said)} events: {tried}")
        return None
    out.exact += given == made
    return Moved(tried[-1]["node"], tried[-1]["prompt_tokens"], said[given][1] - said[given - 1][1], said[given][1])


def busiest(grid, n):
    """One of the nodes with the most streams, each in its turn."""
    work = {node: busy(grid, node) for node in grid.nodes}
    most = [node for node in work if work[node] == max(work.values())]
    return most[n % len(most)]


def measure(grid, kills):
    right = {topic: Unbroken(grid, topic) for topic in TOPICS}
    doors, out = ("frankfurt", "zurich", "stockholm", "madrid"), Figures()
    for n in range(kills):
        door = {topic: doors[(i + n) % len(doors)] for i, topic in enumerate(TOPICS)}
        told = {topic: Told(grid.stream(door[topic], **asked(topic))) for topic in TOPICS}
        until(lambda told=told: all(len(t.said) >= 5 + n % 10 for t in told.values()), 60, "all streams under way")
        doomed = busiest(grid, n)
        alive = [node for node in grid.nodes if node != doomed]
        before = {node: prefill_seconds(grid, node) for node in alive}
        try:
            grid.kill(f"agent-{doomed}")
            for t in told.values():
                t.thread.join(120)
            spent = {node: prefill_seconds(grid, node) - before[node] for node in alive}
        finally:
            grid.restart(f"agent-{doomed}")
            grid.ready()
        moved = []
        for topic, t in told.items():
            out.streams += 1
            out.wrong += t.broken()
            tried = attempts(grid, door[topic], t)
            if any(a["node"] == doomed and a["result"] != "ok" for a in tried):
                moved.append(judge(out, tried, t, right[topic]))
        moved = [m for m in moved if m]
        out.pauses += [m.pause for m in moved]
        out.beyond += beyond_prefill(moved, spent)
    return out
