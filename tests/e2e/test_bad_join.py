"""Join tokens that are not good, each brought by an agent started by hand: what was wrong, and what to do."""
import os
import time

import pytest

import wire
from by_hand import Process
from deadline import until
from secrets_text import like


@pytest.fixture
def agent(grid, tmp_path):
    """Starts agents that join at the gateway of a site; ends them all."""
    started = []
    def start(name, token, site="paris", state=None):
        inner = grid.api(f"/api/v1/gateways/{gateway_of(grid, site)}").json["spec"]["inner_address"]
        folder = tmp_path / (state or f"{name}-{len(started)}")
        process = Process(tmp_path / f"log-{len(started)}", "agent", "--state", folder, "--name", name, "--gateway", inner,
                          *(["--token", token] if token else []))
        started.append(process)
        return process
    yield start
    for process in started:
        process.stop()


@pytest.fixture
def node(grid):
    """Applies Nodes without deployments; deletes them."""
    made = []
    def apply(name, site):
        spec = {"apiVersion": "aigrid/v1", "kind": "Node", "metadata": {"name": name}, "spec": {"site": site}}
        answer = grid.api(f"/api/v1/nodes/{name}", spec, method="PUT")
        assert answer.status in (200, 201), answer
        made.append(name)
    yield apply
    for name in made:
        grid.api(f"/api/v1/nodes/{name}", method="DELETE")


def gateway_of(grid, site):
    return next(g["name"] for g in grid.status()["gateways"] if g["site"] == site)


def token(grid, role="agent", site="paris", name="hand-1", ttl_s=600):
    answer = grid.api("/api/v1/join-tokens", {"role": role, "site": site, "name": name, "ttl_s": ttl_s})
    assert answer.status == 201, answer
    return answer.json["token"]


def test_a_token_is_good_once(grid, agent, node):
    node("hand-1", "paris")
    good = token(grid)
    agent("hand-1", good).waits_for('"joined"')
    said = agent("hand-1", good, state="thief").ends(1)
    assert "used before with another key" in said and "aigrid token create" in said
    again = agent("hand-1", good, state="third").ends(1)
    assert "burnt" in again


def test_an_expired_token(grid, agent):
    old, made = token(grid, ttl_s=1), time.monotonic()
    until(lambda: time.monotonic() - made > 1.2, 5, "its second over")
    said = agent("hand-1", old).ends(1)
    assert "expired" in said and "aigrid token create" in said


def test_a_token_of_another_name(grid, agent):
    said = agent("hand-2", token(grid, name="hand-1")).ends(1)
    assert "hand-1" in said and "hand-2" in said


def test_a_token_of_another_role(grid, agent):
    said = agent("hand-1", token(grid, role="gateway")).ends(1)
    assert "role gateway" in said and "agent" in said


def test_an_agent_of_no_node(grid, agent):
    said = agent("hand-1", token(grid)).ends(1)
    assert 'no Node \\"hand-1\\"' in said and "aigrid apply" in said


def test_a_token_without_a_name_takes_nobodys(grid, agent):
    """The node has joined and serves: its name is not to be had by a token that leaves the name open."""
    taken = next(n["name"] for n in grid.status()["nodes"] if n["site"] == "paris")
    said = agent(taken, token(grid, name="")).ends(1)
    assert "is taken" in said and taken in said
    assert next(n for n in grid.status()["nodes"] if n["name"] == taken)["connected"]


def test_a_deleted_node_is_told_why(grid, agent, node):
    node("hand-1", "paris")
    process = agent("hand-1", token(grid))
    process.waits_for('"gateway_connected"')
    until(lambda: any(n["name"] == "hand-1" and n["connected"] for n in grid.status()["nodes"]), 10, "the node there")
    assert grid.api("/api/v1/nodes/hand-1", method="DELETE").status == 200
    process.waits_for("is not in the bundle")


def test_a_token_of_another_site(grid, agent, node):
    """The identity it gives is of Zürich; the gateway of Paris does not take such an agent."""
    node("hand-1", "zurich")
    process = agent("hand-1", token(grid, site="zurich"), site="paris")
    process.waits_for("zurich")
    status = {n["name"] for n in grid.status()["nodes"] if n["connected"]}
    assert "hand-1" not in status


def test_a_wrong_pin_is_found_before_anything_is_sent(grid, agent, node):
    node("hand-1", "paris")
    good = token(grid)
    process = agent("hand-1", like(good, pin=os.urandom(32)))
    said = process.ends(1)
    assert "pin" in said and "root" in said
    agent("hand-1", good).waits_for('"joined"')  # the token was not used up by that


def test_a_wrong_secret(grid, agent):
    said = agent("hand-1", like(token(grid), secret=os.urandom(32))).ends(1)
    assert "secret" in said and "aigrid token create" in said


def test_an_unknown_token(grid, agent):
    said = agent("hand-1", like(token(grid), kid=os.urandom(8))).ends(1)
    assert "given out no such join token" in said


@pytest.mark.parametrize("text,word", [("agj1_short", "characters"), ("agk1_x", "agj1_"), ("", "token create")])
def test_a_malformed_or_missing_token(agent, text, word):
    said = agent("hand-1", text).ends(1)
    assert word in said and (not text or text not in said or len(text) < 12)


@pytest.mark.parametrize("ask,word", [({"role": "boss", "site": "paris"}, "boss"), ({"role": "agent", "site": "parris"}, "parris"),
                                      ({"role": "agent", "site": "paris", "ttl_s": 10**9}, "1000000000")])
def test_a_token_that_cannot_be_made(grid, ask, word):
    answer = grid.api("/api/v1/join-tokens", ask)
    assert answer.status in (400, 422) and word in answer.json["detail"], answer


def test_the_inner_listener_refuses_strangers(grid):
    """Without TLS there is nothing; the address of the inner fabric is no door for clients."""
    inner = grid.api(f"/api/v1/gateways/{gateway_of(grid, 'paris')}").json["spec"]["inner_address"]
    answer = wire.exchange_raw(f"http://{inner}", b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
    assert not answer.startswith(b"HTTP/1.1 2"), answer
