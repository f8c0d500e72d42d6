"""Clients that keep asking until told to stop, each at its own site, and note what became of every request."""
import json
import threading
import time
from dataclasses import dataclass

import wire


@dataclass(eq=False)
class Outcome:
    site: str           # where it was asked
    sent: float         # monotonic seconds
    stream: bool = False
    ended: float = 0.0
    head: float = 0.0   # when the answer began; 0: never
    status: int = 0
    answered_by: str = ""
    finished: bool = False
    why: str = ""

    @property
    def started(self):
        """The client had seen the beginning of an answer."""
        return self.status == 200


class Load:
    """`clients` threads per site; each sends `body` to `target`, one request after the other. Use as a context."""

    def __init__(self, grid, sites, make, clients=1, tenant="acme"):
        self.grid, self.make = grid, make
        self.key = grid.key(tenant)
        self.outcomes, self._open = [], []
        self._lock, self._over = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._client, args=(site, n), daemon=True)
                        for site in sites for n in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._over.set()
        for thread in self.threads:
            thread.join(timeout=90)
            assert not thread.is_alive(), "a client got neither an answer nor an error for 90 s"

    def count(self):
        with self._lock:
            return len(self.outcomes)

    def under_way(self):
        """Outcomes of requests that have been sent and have not ended."""
        with self._lock:
            return list(self._open)

    def _client(self, site, n):
        turn = 0
        while not self._over.is_set():
            target, body = self.make(site, n, turn)
            outcome = Outcome(site, time.monotonic(), bool(body.get("stream")))
            with self._lock:
                self._open.append(outcome)
            try:
                self._ask(outcome, target, body)
            except (OSError, ValueError, EOFError) as error:
                outcome.why = f"{type(error).__name__}: {error}"
            except wire.http.client.HTTPException as error:
                outcome.why = f"{type(error).__name__}: {error}"
            outcome.ended = time.monotonic()
            with self._lock:
                self._open.remove(outcome)
                self.outcomes.append(outcome)
            turn += 1
            if not outcome.finished:
                self._over.wait(0.05)  # a refused connection must not become a busy loop

    def _ask(self, outcome, target, body):
        connection, answer = wire.send(self.grid.url(outcome.site), target, body, wire.bearer(self.key), timeout=60)
        try:
            outcome.head, outcome.status = time.monotonic(), answer.status
            outcome.answered_by = answer.getheader("x-aigrid-site") or ""
            whole = answer.read()
            if answer.status != 200:
                outcome.why = whole[:300].decode(errors="replace")
            elif body.get("stream"):
                last = whole.rstrip().rsplit(b"\n\n", 1)[-1]
                outcome.finished = last == b"data: [DONE]"
                outcome.why = "" if outcome.finished else last.decode(errors="replace")
            else:
                outcome.finished = bool(json.loads(whole))
        finally:
            connection.close()


def unstarted_failures(outcomes):
    """Requests that failed although their client had seen nothing of an answer yet: there must be none, ever."""
    return [o for o in outcomes if not o.finished and not o.started]


def silent_cuts(outcomes):
    """Streams that had begun, did not finish, and did not say so with an error event either."""
    return [o for o in outcomes if o.started and not o.finished and '"error"' not in o.why]


def mixed(grid):
    """Mostly embeddings, which are cheap, and every fourth request a chat: half of those streamed."""
    def make(_site, n, turn):
        kind = (n + turn) % 8
        if kind in (0, 4):
            return "/v1/chat/completions", grid.chat_body(f"Count to {turn}.", max_tokens=6, stream=kind == 0)
        return "/v1/embeddings", {"model": grid.embedding_model, "input": f"request {n} {turn}"}
    return make
