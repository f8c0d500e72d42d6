"""Many requests of every sort, three in ten left by their client at a random moment, over dying nodes, sites and gateways; and what of
it the ledger has, held against the engines' own counters."""
import random
import sqlite3
import threading
import time

import wire
from deadline import until

STILL_S = 2.0  # several readings of the engines' counters by their agents


def busy(grid, node):
    """Slots at work, as the engine itself says."""
    chat = [e for e in grid.engines(node) if e["deployment"] == "smollm2"]
    slots = [slot for e in chat for slot in wire.ask(e["url"], "/slots", headers=grid.secret(node, e["deployment"])).json]
    return sum(slot["is_processing"] for slot in slots)


def ledger(grid):
    """(prompt, generated) tokens billed or waived; the platform's own probes are among the waived."""
    total = grid.api("/api/v1/usage").json["total"]
    return [total[f"billed_{k}_tokens"] + total[f"waived_{k}_tokens"] for k in ("prompt", "completion")]


def engines(grid):
    return [sum(tokens) for tokens in zip(*grid.counters().values())]


def quiet(grid):
    """(ledger, engines) when no engine works any more and nothing new has been written down for a while."""
    grid.settled(60)
    until(lambda: not any(busy(grid, node) for node in grid.nodes), 60, "idle engines")
    last, since = None, time.monotonic()
    def still():
        nonlocal last, since
        now = ledger(grid)
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= STILL_S
    until(still, 60, "a ledger that is complete", every=0.2)
    return last, engines(grid)


class Clients:
    """So many requests from `width` clients; `ids`: those that a client was told of."""

    def __init__(self, grid, count, seed, width=4):
        self.grid, self.ids, self.left, self.lock, self.turns = grid, [], 0, threading.Lock(), iter(range(count))
        self.threads = [threading.Thread(target=self._client, args=(random.Random(f"{seed}/{n}"),)) for n in range(width)]

    def run(self, harm=lambda: None):
        for thread in self.threads:
            thread.start()
        harm()
        for thread in self.threads:
            thread.join(600)
        return self

    def _client(self, rng):
        while True:
            with self.lock:
                if next(self.turns, None) is None:
                    return
            try:
                self._one(rng)
            except (OSError, EOFError, wire.http.client.HTTPException):
                pass  # its gateway died: what it knows is in ids

    def _told(self, headers):
        if "x-request-id" in headers:
            with self.lock:
                self.ids.append(headers["x-request-id"])

    def _one(self, rng):
        site, tenant, leaves = rng.choice(list(self.grid.sites)), rng.choice(["acme", "mairie"]), rng.random() < 0.3
        if not leaves and rng.random() < 0.3:
            return self._told(self.grid.embed(site, tenant, f"text {rng.random()}").headers)
        body = self.grid.chat_body(f"Tell me about the number {rng.random()}." + " And more." * rng.randint(0, 30), rng.randint(2, 24))
        headers = wire.bearer(self.grid.key(tenant))
        if not leaves:
            return self._told(wire.ask(self.grid.url(site), "/v1/chat/completions", body, headers).headers)
        with self.lock:
            self.left += 1
        if rng.random() < 0.4:  # before any answer
            connection = wire.connect(self.grid.url(site))
            connection.request("POST", "/v1/chat/completions", wire.json.dumps(body), {**headers, "content-type": "application/json"})
            time.sleep(rng.random() * 0.3)  # the moment of leaving
            return connection.close()
        stream = wire.Stream(self.grid.url(site), "/v1/chat/completions", {**body, "stream": True}, headers)
        self._told(stream.headers)
        events = stream.events()
        for _ in range(rng.randint(0, 12)):
            next(events, None)
        stream.abort()


def records(grid, ids):
    """(missing, doubled) of the requests that clients know of, as control keeps them."""
    path = next(grid.state.rglob("control.db"))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        known = {row[0] for row in db.execute("SELECT id FROM request")}
    doubled = [c for c in grid.api("/api/v1/usage").json["in_question"] if "already" in c["why"] or "another" in c["why"]]
    return sorted(set(ids) - known), doubled


def stopping_times(grid, rounds):
    """Seconds from a client's leaving in the middle of a stream to an idle engine, each."""
    out = []
    for n in range(rounds):
        stream = grid.stream("stockholm", text=f"Write a long story about the number {n}.", max_tokens=256, grid={"only": ["madrid"]})
        events = stream.events()
        for _ in range(3):
            next(events)
        left = time.monotonic()
        stream.abort()
        until(lambda: not busy(grid, "madrid-1"), 10, "the engine idle", every=0.005)
        out.append(time.monotonic() - left)
    return out
