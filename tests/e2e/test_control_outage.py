"""The control plane killed under load, and a gateway restarted meanwhile: nobody notices."""
import time

import pytest

from deadline import until
from grid import FULL
from load import Load, mixed

OUTAGE_S = 60 if FULL else 6


@pytest.fixture
def outage(grid):
    """The grid with control killed; given back with control running and every record shipped."""
    grid.kill("control")
    yield grid
    grid.restart("control")
    grid.ready()


def test_nothing_fails_without_control_even_when_a_gateway_restarts(outage):
    grid = outage
    with pytest.raises(OSError):
        grid.status()
    with Load(grid, ["paris", "stockholm", "zurich"], mixed(grid)) as load:
        killed = time.monotonic()
        grid.kill("gateway-madrid")
        grid.restart("gateway-madrid")
        until(lambda: time.monotonic() - killed > OUTAGE_S and load.count() > 40, OUTAGE_S + 60, "load through the outage")
    failed = [o for o in load.outcomes if not o.finished]
    assert not failed, f"{len(failed)} of {load.count()}: {failed[:3]}"
    # The restarted gateway serves from the bundle on its disk; residency holds as before.
    assert grid.embed("madrid", "mairie").status == 403
    answer = grid.embed("madrid", grid={"zone": "fr"})
    assert answer.status == 200 and answer.headers["x-aigrid-site"] in ("paris", "lyon"), answer


def test_the_records_of_the_outage_reach_control_afterwards(grid):
    before = grid.api("/api/v1/usage").json["total"]["requests"]
    grid.kill("control")
    try:
        answers = [grid.embed("lyon") for _ in range(10)]
        assert all(a.status == 200 for a in answers)
    finally:
        grid.restart("control")
    until(lambda: grid.api("/api/v1/usage").json["total"]["requests"] >= before + 10, 20, "the spooled records at control")
    grid.ready()
