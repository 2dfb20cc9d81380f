"""Push services that tests send to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.endpoint import Endpoint, Reply, endpoint


@pytest.fixture(scope="session")
def service_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(service_for_all: Endpoint) -> Endpoint:
    """A push service that was asked nothing yet and answers 200."""
    service_for_all.asked.clear()
    service_for_all.connections.clear()
    service_for_all.reply = lambda _: Reply()
    return service_for_all
