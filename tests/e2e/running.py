"""The fixture that all suites over a running grid share."""
import pytest

from grid import Grid


@pytest.fixture(scope="session")
def grid():
    """The example grid, running, each gateway on two workers. Tests that hurt it heal it."""
    running = Grid(more=("--workers", "2"))
    try:
        running.start()
        running.ready()
        yield running
    finally:
        running.stop()
