"""Streams whose node is killed in the middle, held against the same streams unbroken."""
import json
import threading
import time

from deadline import until

TOPICS = ("a lighthouse keeper", "a river in spring", "the first winter on Mars", "an old clock maker", "a train at night",
          "a garden after rain", "the last bookshop in town", "a fox in the city")
MAX_TOKENS = 100
NEAR_TIE = 0.15  # between the logarithms of the probabilities of the engine's two likeliest tokens


def asked(topic, **more):
    return {"text": f"Write a long story about {topic}.", "max_tokens": MAX_TOKENS, "temperature": 0, **more}


class Told:
    """What one client saw of one stream."""

    def __init__(self, stream):
        self.site = stream.headers.get("x-aigrid-site", "")
        self.stream, self.objects, self.done, self.pause = stream, [], False, 0.0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        last = time.monotonic()
        for event in self.stream.events():
            self.pause, last = max(self.pause, time.monotonic() - last), time.monotonic()
            if event == "[DONE]":
                self.done = True
            else:
                self.objects.append(json.loads(event))

    @property
    def text(self):
        return "".join(c["delta"].get("content") or "" for o in list(self.objects) for c in o.get("choices", []))

    @property
    def note(self):
        return self.objects[-1].get("grid", {}) if self.objects else {}

    def broken(self):
        """Ended otherwise than a stream that nothing happened to."""
        roles = sum("role" in c["delta"] for o in self.objects for c in o.get("choices", []))
        return not self.done or roles != 1 or any("error" in o for o in self.objects) or len({o["id"] for o in self.objects}) != 1


def unbroken(grid, topic):
    """The text, and at which character of it the engine was nearly undecided: {offset: distance to the second best}."""
    told = grid.chat("frankfurt", **asked(topic, logprobs=True, top_logprobs=2)).json["choices"][0]
    offset, gaps = 0, {}
    for token in told["logprobs"]["content"]:
        best = sorted((t["logprob"] for t in token["top_logprobs"]), reverse=True)
        gaps[offset] = best[0] - best[1] if len(best) > 1 else float("inf")
        offset += len(token["token"])
    return told["message"]["content"], gaps


def gap_where_they_part(text, other, gaps):
    same = next((i for i, (a, b) in enumerate(zip(text, other)) if a != b), min(len(text), len(other)))
    at = max((offset for offset in gaps if offset <= same), default=0)
    return gaps.get(at, float("inf"))


def measure(grid, kills):
    """(streams, wrong ends, resumed, of these identical, of the others those that parted at a near tie, longest pause)"""
    right = {topic: unbroken(grid, topic) for topic in TOPICS}
    total = wrong = resumed = same = near = 0
    longest = 0.0
    for n in range(kills):
        doors = ("frankfurt", "zurich", "stockholm", "madrid")
        told = {t: Told(grid.stream(doors[(i + n) % len(doors)], **asked(t))) for i, t in enumerate(TOPICS)}
        until(lambda told=told: all(len(t.objects) >= 5 + n % 10 for t in told.values()), 60, "all streams under way")
        sites = [t.site for t in told.values() if not t.done]
        doomed = f"agent-{grid.nodes_at(max(set(sites), key=sites.count))[0]}"
        try:
            grid.kill(doomed)
            for t in told.values():
                t.thread.join(120)
        finally:
            grid.restart(doomed)
            grid.ready()
        for topic, t in told.items():
            total += 1
            wrong += t.broken()
            if not t.note.get("resumed"):
                continue
            resumed += 1
            longest = max(longest, t.pause)
            text, gaps = right[topic]
            if t.text == text:
                same += 1
            else:
                near += gap_where_they_part(text, t.text, gaps) <= NEAR_TIE
    return total, wrong, resumed, same, near, longest
