"""A tenant bound to France tries to leave it: from every site, by header, by host, by alias. The engines abroad count."""
import sys

from stage import perform
import wire
from grid import FRENCH, tokens_between

TENANT = "mairie"


def tricks(grid, site):
    """(what is tried, headers, more of the body): nothing of it may widen where the request runs."""
    model = grid.chat_model
    return [
        ("nothing special", {}, {}),
        ('header X-AIGrid-Intent: zone="eu"', {"x-aigrid-intent": 'zone="eu"'}, {}),
        ("body grid.sort = price (cheapest is abroad)", {}, {"grid": {"sort": "price"}}),
        ('body grid.only = ["stockholm"]', {}, {"grid": {"only": ["stockholm"]}}),
        ('body provider.only = ["zurich"]', {}, {"provider": {"only": ["zurich"]}}),
        ("header Host: zurich.example", {"host": "zurich.example"}, {}),
        (f"model {model}@zurich", {}, {"model": f"{model}@zurich"}),
        ("header X-AIGrid-Tenant: acme", {"x-aigrid-tenant": "acme"}, {"user": "acme"}),
    ]


def ask(grid, site, headers, more):
    body = {**grid.chat_body("Bonjour.", max_tokens=3), **more}
    return wire.ask(grid.url(site), "/v1/chat/completions", body, {**wire.bearer(grid.key(TENANT)), **headers}, timeout=30)


def show(stage):
    grid, wrong, served, refused = stage.grid, [], 0, 0
    outside = grid.nodes_outside(*FRENCH)
    before, inside = grid.counters(outside), grid.counters(grid.nodes_at(*FRENCH))
    stage.say(f"tenant {TENANT} is bound to zone fr and comes in there: {' and '.join(FRENCH)}; the engines of {', '.join(outside)} are watched")
    plan = [(site, trick) for site in grid.sites for trick in tricks(grid, site)[:1]]
    plan += [(site, trick) for n, trick in enumerate(tricks(grid, "")[1:]) for site in (FRENCH[n % 2], "zurich")]
    for site, (what, headers, more) in plan:
        answer = ask(grid, site, headers, more)
        at = answer.headers.get("x-aigrid-site", "")
        if answer.status == 200:
            served += 1
            stage.row(site, what, f"ran at {at}", "" if at in FRENCH else "ABROAD")
            if at not in FRENCH:
                wrong.append(f"asked at {site} with {what}, it ran at {at}")
        else:
            refused += 1
            stage.row(site, what, f"{answer.status}", answer.error.get("code") or "")
            if answer.status not in (400, 403, 404):
                wrong.append(f"asked at {site} with {what}: {answer}")
    counted = tokens_between(before, grid.counters(outside))
    home = tokens_between(inside, grid.counters(grid.nodes_at(*FRENCH)))
    stage.say("what the engines themselves counted meanwhile (prompt, generated):")
    for node, tokens in {**home, **counted}.items():
        stage.row(node, "", f"{tokens[0]:>5} {tokens[1]:>5}")
    wrong += [f"the engine of {node}, outside France, counted {tokens}" for node, tokens in counted.items() if any(tokens)]
    if not served or not any(any(t) for t in home.values()):
        wrong.append("nothing ran at all, so nothing is shown")
    stage.say(f"{served} ran in France, {refused} were refused with their rule, 0 tokens abroad" if not wrong else "it left")
    return wrong


if __name__ == "__main__":
    sys.exit(perform("Residency: requests that must stay in France", show))
