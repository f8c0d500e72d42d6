"""The ops listener of every process: alive, really able to work, and its numbers."""
import re

import pytest

import wire
from deadline import until


def ops(grid):
    """name → ops URL of every process that `up` started."""
    return {name: process.ops for name, process in grid.processes().items()}


def test_every_process_is_alive_and_ready(grid):
    found = ops(grid)
    assert len(found) == 1 + len(grid.sites) + len(grid.nodes)
    for name, url in found.items():
        assert wire.ask(url, "/livez").status == 200, name
        until(lambda url=url: wire.ask(url, "/readyz").status == 200, 10, f"{name} ready")


def test_metrics_are_openmetrics_of_our_own_names(grid):
    for name, url in ops(grid).items():
        answer = wire.ask(url, "/metrics")
        assert answer.status == 200 and "openmetrics-text" in answer.headers["content-type"], name
        text = answer.body.decode()
        assert text.endswith("# EOF\n"), name
        families = re.findall(r"^# TYPE (\S+) \w+$", text, re.M)
        assert families and all(f.startswith("aigrid_") for f in families), (name, families)
        assert len(families) == len(set(families)), name


def test_gateway_metrics_count_requests(grid):
    url = ops(grid)["gateway-paris"]
    def finished():
        found = re.search(r'^aigrid_requests_total\{outcome="finished"\} (\d+)', wire.ask(url, "/metrics").body.decode(), re.M)
        return int(found[1]) if found else 0
    before = finished()
    assert grid.embed("paris").status == 200
    assert finished() == before + 1


def test_a_gateway_that_cannot_route_is_not_ready(grid):
    """Zürich cut from everybody with its own node gone: it says so, and why."""
    others = [s for s in grid.sites if s != "zurich"]
    url = ops(grid)["gateway-zurich"]
    try:
        grid.kill("agent-zurich-1")
        for other in others:
            grid.link(other, "zurich", "--cut")
        answer = until(lambda: (a := wire.ask(url, "/readyz")).status == 503 and a, 10, "Zürich not ready")
        assert len(answer.body) > 10
        refused = grid.embed("zurich", grid={"max_ttft_ms": 500, "mode": "require"})
        assert refused.status == 503 and refused.error["code"] == "no_capacity" and "retry-after" in refused.headers, refused
    finally:
        for other in others:
            grid.link(other, "zurich", "--restore")
        grid.restart("agent-zurich-1")
        grid.ready()
    until(lambda: wire.ask(url, "/readyz").status == 200, 10, "Zürich ready again")


@pytest.mark.parametrize("path", ["/", "/v1/models", "/api/v1/status"])
def test_ops_serves_nothing_else(grid, path):
    for name, url in ops(grid).items():
        assert wire.ask(url, path).status == 404, name


def test_listeners_do_not_serve_each_others_paths(grid):
    assert wire.ask(grid.url("paris"), "/metrics", headers=wire.bearer(grid.key("acme"))).status == 404
    assert wire.ask(grid.url("paris"), "/api/v1/sites", headers=wire.bearer(grid.said["admin_key"])).status in (401, 404)
    assert wire.ask(grid.said["management"], "/v1/models", headers=wire.bearer(grid.said["admin_key"])).status == 404
