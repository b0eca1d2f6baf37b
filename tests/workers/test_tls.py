"""Workers and builds over TLS: both believe the named authority alone, and nobody prints a password."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agents.blackboard import ProjectStatus
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.state_store import StateUnavailable
from async_arch.workers.roster import live_workers
from tests.network.certificate import make_certificate
from tests.network.proxy import Proxy, proxying
from tests.workers.small_build import build, model, worker

SECRET = "right%20horse"  # noqa: S105 (as it stands in a URL)


@asynccontextmanager
async def _over_tls(folder: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """A Redis with a user, behind a proxy that speaks TLS, and its URL without an authority."""
    certificate = make_certificate(folder)
    async with embedded_redis() as server, open_redis(server.url) as admin:
        await admin.command("ACL", "SETUSER", "factory", "reset", "on", ">right horse", "~*", "&*", "+@all")
        async with proxying(Path(urlsplit(server.url).path), certificate.server) as proxy:
            yield proxy, f"rediss://factory:{SECRET}@localhost:{proxy.port}/0"


def _believing(url: str, folder: Path) -> str:
    return f"{url}?ssl_ca_certs={folder}/authority.pem"


async def test_a_build_by_workers_is_complete_over_tls_and_no_log_has_the_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with _over_tls(tmp_path) as (proxy, bare), model() as model_url:
        url = _believing(bare, tmp_path)
        async with worker(url), open_redis(url) as connection:
            outcome = await build(url, model_url, tmp_path / "built")
            assert [each.name for each in await live_workers(connection)] == ["w"]
    assert outcome.status is ProjectStatus.COMPLETE
    # State, leases, queue and what docket listens on: each with connections of its own.
    assert proxy.accepted > 5
    assert "right" not in caplog.text


@pytest.mark.parametrize("wrong", ["authority", "password"])
async def test_neither_begins_where_the_server_or_it_itself_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    caplog.set_level(logging.DEBUG)
    sentence = {
        "authority": r"no answer from Redis at rediss://factory:\*\*\*@localhost:\d+/0: .*CERTIFICATE_VERIFY",
        "password": r"Redis at rediss://factory:\*\*\*@localhost:\S+ refuses: invalid username-password",
    }[wrong]
    async with _over_tls(tmp_path) as (_, bare):
        url = bare if wrong == "authority" else _believing(bare.replace(SECRET, "wrong"), tmp_path)
        with pytest.raises(StateUnavailable, match=sentence):
            await build(url, "", tmp_path / "built")
        async with worker(url) as working:
            with pytest.raises(StateUnavailable, match=sentence):
                await asyncio.wait_for(working, 10)
    assert "wrong" not in caplog.text
    assert "right" not in caplog.text
