"""A bed of either kind for each test, with workers where it takes them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from async_arch.embedded_redis import embedded_redis
from tests.executors.bed import Bed, working
from tests.executors.team_model import team_model


@pytest_asyncio.fixture(params=["local", "docket"])
async def bed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    async with embedded_redis() as server, team_model() as model:
        monkeypatch.setenv("OLLAMA_HOST", model.url)
        if request.param == "local":
            yield Bed("local", server.url, model)
            return
        async with working(server.url, 2):
            yield Bed("docket", server.url, model)
