"""A whole Dorflicht for end-to-end tests, on the embedded broker (MQTT 3.1.1) and on Mosquitto (MQTT 5)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.e2e.world import World, opened
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests start several processes each: a busy machine needs more than the two minutes of all others."""
    for item in items:
        if _HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


Open = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    """A running broker with its `Access` adapter."""
    with embedded_broker() if request.param == "embedded" else mosquitto() as running:
        yield running


@pytest.fixture
def world(broker: BrokerProcess, tmp_path: Path) -> Open:
    """`async with world(files...) as w`: villages imported, service ready, all controllers connected."""

    def open_world(*files: Path, **more: object) -> AbstractAsyncContextManager[World]:
        return opened(broker, files, tmp_path, **more)  # type: ignore[arg-type] # handed on as they are

    return open_world
