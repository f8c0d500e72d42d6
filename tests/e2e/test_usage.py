"""What clients saw, what the ledger says and what the engines counted are the same numbers."""
import json
import time

import openai
import pytest

from deadline import until
from grid import FRENCH, tokens_between


def ledger(grid):
    said = json.loads(grid.cli("usage", "--json").stdout)
    tenants = {t["tenant"]: t for t in said["by_tenant"]}
    return said["total"], tenants


def asked(grid):
    """Sends a bit of everything; gives per tenant (requests, prompt tokens, completion tokens) as the clients saw them."""
    seen = {"acme": [0, 0, 0], "mairie": [0, 0, 0]}
    def note(tenant, usage):
        for i, n in enumerate((1, usage["prompt_tokens"], usage.get("completion_tokens", 0))):
            seen[tenant][i] += n
    for n, site in enumerate(grid.sites):
        for tenant in seen if site in FRENCH else ("acme",):
            note(tenant, grid.embed(site, tenant, f"text {n}").json["usage"])
            note(tenant, grid.chat(site, tenant, text=f"Number {n}?", max_tokens=3).json["usage"])
    for site in ("paris", "madrid"):
        events = list(grid.stream(site, "acme", text="Go on.", max_tokens=5, stream_options={"include_usage": True}).events())
        note("acme", json.loads(events[-2])["usage"])
    return seen


def shipped(grid, requests, what):
    until(lambda: ledger(grid)[0]["requests"] >= requests, 20, what, every=0.1)
    return ledger(grid)


def test_ledger_clients_and_engines_agree_to_the_token(grid):
    grid.settled()
    total, tenants = ledger(grid)
    counted = grid.counters()
    seen = asked(grid)
    requests = sum(s[0] for s in seen.values())
    new_total, new_tenants = shipped(grid, total["requests"] + requests, "all records at control")

    def grown(after, before):
        return [after[k] - before.get(k, 0) for k in ("requests", "prompt_tokens", "completion_tokens")]
    for tenant, numbers in seen.items():
        assert grown(new_tenants[tenant], tenants.get(tenant, {})) == numbers, tenant
    assert grown(new_total, total) == [sum(c) for c in zip(*seen.values())]
    engines = tokens_between(counted, grid.counters())
    assert [sum(c) for c in zip(*engines.values())] == [sum(c) for c in list(zip(*seen.values()))[1:]]


def test_a_refused_request_costs_nothing(grid):
    grid.settled()
    before = grid.counters()
    total, _ = ledger(grid)
    assert grid.embed("zurich", "mairie", grid={"only": ["zurich"]}).status == 403
    assert grid.embed("zurich").status == 200
    grid.settled()
    after, _ = ledger(grid)
    prompt = sum(p for p, _ in tokens_between(before, grid.counters()).values())
    assert after["prompt_tokens"] - total["prompt_tokens"] == prompt > 0
    assert after["completion_tokens"] == total["completion_tokens"]


def test_usage_for_people(grid):
    said = grid.cli("usage").stdout
    assert "acme" in said and "mairie" in said


def test_organization_reports_answer_the_stock_clients_raw_requests(grid):
    """OpenAI's shape, by OpenAI's own client: pages of buckets, widths, group_by as it writes lists, costs that add up."""
    grid.embed("paris", "acme")
    grid.chat("paris", "acme", text="Hello", max_tokens=2)
    grid.settled()
    total, _ = until(lambda: ledger(grid), 5, "a ledger")
    client = openai.OpenAI(base_url=grid.said["management"] + "/v1", api_key=grid.said["admin_key"], max_retries=0)
    start = int(time.time()) - 3600

    def pages(report, **params):
        page = None
        while True:
            said = client.get(f"/organization/{report}", cast_to=object,
                              options={"params": {"start_time": start, "limit": 20, **params, **({"page": page} if page else {})}})
            assert said["object"] == "page"
            yield from said["data"]
            page = said["next_page"]
            assert bool(page) == said["has_more"]
            if not page:
                return

    requests = tokens = 0
    for report in ("usage/completions", "usage/embeddings"):
        buckets = list(pages(report, bucket_width="1m", group_by=["project_id", "model"]))
        assert len(buckets) >= 60 and all(b["object"] == "bucket" and b["end_time"] - b["start_time"] == 60 for b in buckets)
        for result in (r for b in buckets for r in b["results"]):
            assert result["object"] == f"organization.{report.replace('/', '.')}.result" and result["user_id"] is None
            assert result["model"] or not result["input_tokens"]  # a body that could not be read named none
            requests += result["num_model_requests"]
            tokens += result["input_tokens"] + result.get("output_tokens", 0)
    assert requests == total["requests"] and tokens == total["prompt_tokens"] + total["completion_tokens"]
    costs = [r for b in pages("costs", bucket_width="1d") for r in b["results"]]
    assert sum(r["amount"]["nano"] for r in costs) == total["charge_nano"]
    with pytest.raises(openai.BadRequestError, match="1m, 1h, 1d"):
        next(pages("usage/completions", bucket_width="2d"))
