import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from running import grid  # noqa: E402, F401  (a fixture; the path comes first)


@pytest.fixture(scope="session")
def down_model(grid):
    """A model whose only engine does not answer: asking for it is a 503."""
    def resource(kind, **spec):
        return {"apiVersion": "aigrid/v1", "kind": kind, "metadata": {"name": "nobody-home"}, "spec": spec}
    grid.apply(resource("Model", task="chat", context_tokens=4096),
               resource("Deployment", model="nobody-home", driver="openai", placement="explicit", nodes=["madrid-1"],
                        url="http://127.0.0.1:9"))
    from deadline import until
    until(lambda: all(g["bundle_version"] >= grid.status()["version"] for g in grid.status()["gateways"]), 5, "it is known")
    return "nobody-home"
