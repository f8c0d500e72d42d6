"""Mixed requests, then more of whom many leave; each time the ledger against what the engines themselves counted."""
import random
import sys
import threading
import time

from stage import perform
import wire
from deadline import until
from grid import FRENCH, tokens_between

REQUESTS = 40


def ask_one(grid, rng, n, kinds, seen):
    """One request of any sort; `seen` notes what the client itself can know of it."""
    tenant = rng.choice(["acme", "mairie"])
    site = rng.choice(FRENCH if tenant == "mairie" else list(grid.sites))
    kind = rng.choice(kinds)
    if kind == "embedding":
        answer = grid.embed(site, tenant, f"text number {n}")
    elif kind == "whole":
        answer = grid.chat(site, tenant, text=f"Number {n}?", max_tokens=rng.randint(1, 12))
    else:
        answer = grid.stream(site, tenant, text=f"Tell me about the number {n}.", max_tokens=40)
        events = answer.events()
        if kind == "leaver":
            for _ in range(rng.randint(1, 8)):
                next(events, None)
            answer.abort()
        elif list(events)[-1] != "[DONE]":
            kind = "broken"
    seen.append((kind, answer.status))


def load(grid, kinds):
    seen, lock, turn = [], threading.Lock(), iter(range(REQUESTS))
    def client(seed):
        rng = random.Random(seed)
        while True:
            with lock:
                n = next(turn, None)
            if n is None:
                return
            ask_one(grid, rng, n, kinds, seen)
    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return seen


def idle(grid):
    """No engine works any more: a slot that still runs has not been counted yet."""
    for node in grid.nodes:
        for engine in grid.engines(node):
            if engine["deployment"] == grid.chat_model:
                slots = wire.ask(engine["url"], "/slots", headers=grid.secret(node, engine["deployment"])).json
                if any(slot["is_processing"] for slot in slots):
                    return False
    return True


def ledger_sums(grid):
    """(requests, prompt and generated tokens billed or waived): the readiness probes of the platform are among the waived."""
    total = grid.api("/api/v1/usage").json["total"]
    return [total["requests"]] + [total[f"billed_{k}_tokens"] + total[f"waived_{k}_tokens"] for k in ("prompt", "completion")]


def engine_sums(grid):
    return [sum(tokens) for tokens in zip(*grid.counters().values())]


STILL_S = 2.0  # several readings of the engines' counters by their agents


def quiet(grid):
    """The ledger and the engines' own counters when nothing works any more, and nothing new has been written down for a while:
    what an engine made for a client that had left is, when its agent has read that from its counters."""
    grid.settled()
    until(lambda: idle(grid), 20, "idle engines")
    last, since = None, time.monotonic()
    def still():
        nonlocal last, since
        now = ledger_sums(grid)
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= STILL_S
    until(still, 20, "a ledger that is complete", every=0.2)
    return last, engine_sums(grid)


def measure(stage, kinds):
    """(what the clients saw, how the ledger grew, how the engines' counters grew, what of it is waived because clients left)."""
    ledger, engines = quiet(stage.grid)
    before = waived(stage.grid)
    seen = load(stage.grid, kinds)
    new_ledger, new_engines = quiet(stage.grid)
    ledger = [b - a for a, b in zip(ledger, new_ledger)]
    engines = [b - a for a, b in zip(engines, new_engines)]
    sorts = {kind: sum(k == kind for k, _ in seen) for kind in sorted({k for k, _ in seen})}
    stage.row("", "", "requests", "prompt tokens  generated tokens")
    stage.row("clients", ", ".join(f"{n} {kind}" for kind, n in sorts.items()), f"{len(seen):>8}", "")
    stage.row("ledger", "", f"{ledger[0]:>8}", f"{ledger[1]:>13}  {ledger[2]:>16}")
    stage.row("engines", "", "", f"{engines[0]:>13}  {engines[1]:>16}")
    return seen, ledger, engines, waived(stage.grid) - before


def waived(grid):
    """Tokens that were made for clients who had left, at the expense of the site."""
    return sum(w["completion_tokens"] for w in grid.api("/api/v1/usage").json["waived"] if w["reason"] == "cancel_tail")


def check(seen, ledger, engines, tail):
    wrong = [f"a {kind} ended with {status}" for kind, status in seen if status != 200 or kind == "broken"]
    if len(seen) != REQUESTS or ledger[0] != REQUESTS:
        wrong.append(f"{REQUESTS} requests, {len(seen)} came back, {ledger[0]} are in the ledger")
    if ledger[1] != engines[0]:
        wrong.append(f"the ledger has {ledger[1]} prompt tokens, the engines counted {engines[0]}")
    if ledger[2] != engines[1]:
        wrong.append(f"the ledger has {ledger[2]} generated tokens, the engines counted {engines[1]}")
    return wrong, sum(kind == "leaver" for kind, _ in seen), tail


def show(stage):
    stage.say(f"{REQUESTS} requests of two tenants at all sites: embeddings, whole chats, streams")
    wrong, _, _ = check(*measure(stage, ["embedding", "whole", "stream"]))
    if not wrong:
        stage.say("equal to the token")
    stage.say(f"{REQUESTS} more, and many clients leave in the middle of their stream")
    more, leavers, tail = check(*measure(stage, ["embedding", "whole", "stream", "leaver", "leaver"]))
    if not more:
        stage.say(f"equal to the token again: {tail} that engines made after {leavers} clients had gone are waived, at the site's expense")
    return wrong + more


if __name__ == "__main__":
    sys.exit(perform("Ledger: what is billed is what the engines made", show))
