"""A write to control is in force at every gateway within a second."""
import threading
import time

import wire
from deadline import percentile, until
from grid import FULL

WRITES = 100 if FULL else 25


class Applied:
    """When each gateway first showed each bundle version, read from the gateways' own status."""

    def __init__(self, grid):
        self.grid, self.seen, self._over = grid, {}, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._over.is_set():
            gateways = self.grid.status()["gateways"]
            now = time.monotonic()
            lowest = min(g["bundle_version"] for g in gateways)
            self.seen.setdefault(lowest, now)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.thread.join(timeout=10)

    def when(self, version):
        """When every gateway had applied `version` or a newer one."""
        times = [t for v, t in list(self.seen.items()) if v >= version]
        return min(times) if times else None


def write_tenant(grid, n):
    version = grid.apply({"apiVersion": "aigrid/v1", "kind": "Tenant", "metadata": {"name": "speed"},
                          "spec": {"display_name": f"write {n}"}})["version"]
    return version, time.monotonic()


def delays(grid, writes):
    """Seconds from the answer of each write to every gateway having applied it."""
    out = []
    with Applied(grid) as applied:
        for n in range(writes):
            version, written = write_tenant(grid, n)
            done = until(lambda: applied.when(version), 5, f"version {version} at every gateway", every=0.005)
            out.append(max(0.0, done - written))
    return out


def test_writes_are_applied_everywhere_within_a_second(grid):
    try:
        taken = delays(grid, WRITES)
    finally:
        grid.delete("tenants", "speed")
    assert percentile(taken, 0.99) <= 1.0, sorted(taken)[-5:]


def test_a_new_key_works_everywhere_and_a_revoked_one_nowhere_within_two_seconds(grid):
    made = grid.api("/api/v1/api-keys", {"tenant": "acme"}).json
    def statuses():
        return {wire.ask(grid.url(s), "/v1/models", headers=wire.bearer(made["key"])).status for s in grid.sites}
    until(lambda: statuses() == {200}, 2, "the new key at every gateway")
    revoked = grid.api(f"/api/v1/api-keys/{made['kid']}/revoke", {})
    assert revoked.status in (200, 204), revoked
    until(lambda: statuses() == {401}, 2, "the revoked key refused at every gateway")
    answer = wire.ask(grid.url("paris"), "/v1/models", headers=wire.bearer(made["key"]))
    assert "revoked" in answer.error["message"] and answer.error["code"] == "invalid_api_key", answer


def test_a_tenant_moved_into_a_zone_is_bound_at_once(grid):
    spec = {"apiVersion": "aigrid/v1", "kind": "Tenant", "metadata": {"name": "mover"}, "spec": {}}
    grid.apply(spec)
    key = grid.api("/api/v1/api-keys", {"tenant": "mover"}).json["key"]
    def site():
        answer = wire.ask(grid.url("stockholm"), "/v1/embeddings", {"model": grid.embedding_model, "input": "x"}, wire.bearer(key))
        return answer.headers.get("x-aigrid-site") if answer.status == 200 else None
    until(lambda: site() == "frankfurt", 3, "a free tenant runs at the nearest site")
    grid.apply({**spec, "spec": {"zone": "fr"}})
    until(lambda: site() in ("paris", "lyon"), 1.5, "the same tenant bound to France")
