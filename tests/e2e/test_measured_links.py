"""Routing uses the round trips that are measured, not those that were configured."""
import time

from deadline import until


def where(grid, site):
    answer = grid.embed(site, text="where")
    assert answer.status == 200, answer
    return answer.headers["x-aigrid-site"]


def test_routing_follows_a_changed_delay_within_two_seconds(grid):
    # From Stockholm embeddings run in Frankfurt (23.5 ms) rather than Paris (31.2) or Lyon (38.3).
    until(lambda: where(grid, "stockholm") == "frankfurt", 10, "Frankfurt is the nearest")
    try:
        grid.link("frankfurt", "stockholm", "--delay-ms", "150")
        changed = time.monotonic()
        until(lambda: where(grid, "stockholm") == "paris", 5, "Paris is the nearest now")
        took = time.monotonic() - changed
    finally:
        grid.link("frankfurt", "stockholm", "--restore")
    assert took <= 2.0, f"routing followed after {took:.2f} s"
    until(lambda: where(grid, "stockholm") == "frankfurt", 10, "Frankfurt is the nearest again")


def seen_from(grid, site, other):
    """What the gateway of `site` says of its link to `other`."""
    link = next(one for one in grid.status()["links"] if {one["a"], one["b"]} == {site, other})
    return next(seen for seen in link["seen_by"] if seen["gateway"] == site)


def link_line(grid, a, b):
    """The line of that link in what `aigrid status` prints."""
    return next(line for line in grid.cli("status").stdout.splitlines() if line.split()[:2] == [a, b])


def test_a_cut_link_is_gone_round_by_way_of_a_third_and_comes_back(grid):
    try:
        grid.link("frankfurt", "stockholm", "--cut")
        assert all(where(grid, "stockholm") for _ in range(10)), "every request is answered"
        until(lambda: seen_from(grid, "stockholm", "frankfurt").get("via"), 15, "a way by a third")
        # The table says so once both ends have told of it.
        until(lambda: " via " in link_line(grid, "frankfurt", "stockholm"), 15, "the table shows the way by a third")
        assert not seen_from(grid, "stockholm", "frankfurt")["up"]
        only = grid.chat("stockholm", "acme", max_tokens=2, grid={"only": ["frankfurt"]})
        assert only.status == 200 and only.headers["x-aigrid-site"] == "frankfurt", only
    finally:
        grid.link("frankfurt", "stockholm", "--restore")
    until(lambda: seen_from(grid, "stockholm", "frankfurt")["up"], 15, "the link itself is used again")
    assert not seen_from(grid, "stockholm", "frankfurt")["via"]
    until(lambda: where(grid, "stockholm") == "frankfurt", 15, "Frankfurt is the nearest again")


def test_links_report_what_was_measured(grid):
    """A machine that stalls makes a round trip long for a moment: what counts is where the measurement settles."""
    configured = {r["metadata"]["name"]: r["spec"]["rtt_ms"] for r in grid.api("/api/v1/links").json["items"]}

    def off():
        links = grid.status()["links"]
        seen = {l["name"]: [s["rtt_ms"] for s in l["seen_by"] if s["up"] and s["rtt_ms"] > 0] for l in links}
        return {name: (configured.get(name), rtts) for name, rtts in seen.items()
                if len(rtts) != 2 or not all(configured[name] * 0.8 < rtt < configured[name] + 60 for rtt in rtts)}
    assert len(grid.status()["links"]) >= 15
    try:
        until(lambda: not off(), 20, "every link measured from both its ends as configured")
    finally:
        assert not off()
