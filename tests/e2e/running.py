"""The fixture that all suites over a running grid share."""
import pytest

from grid import Grid


@pytest.fixture(scope="session")
def grid():
    """The example grid, running. Tests that hurt it heal it."""
    running = Grid()
    try:
        running.start()
        running.ready()
        yield running
    finally:
        running.stop()
