"""The lifetime of a run can be changed: of every key it has, and of those that are written afterwards."""

from __future__ import annotations

from async_arch.document_mirror import DocumentMirror
from async_arch.embedded_redis import embedded_redis
from async_arch.lifetime import keep
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import FOR_EVER, RunKeys

KEYS = RunKeys("run")
BOARD: dict[str, object] = {"modules": {"Cart": {"spec": "x"}}, "logs": ["a"], "status": "building"}


async def _lifetimes(connection: RedisConnection) -> set[int]:
    return {await connection.client.ttl(key) async for key in connection.client.scan_iter()}


async def test_a_run_that_stays_for_ever_and_a_run_that_does_not_change_places() -> None:
    async with (
        embedded_redis() as server,
        open_redis(server.url, patience_s=0.3) as connection,
        DocumentMirror.on(connection, "run", lifetime_s=FOR_EVER) as mirror,
    ):
        await mirror.save(BOARD)
        assert await _lifetimes(connection) == {-1}
        await keep(connection, KEYS, 500)
        assert await _lifetimes(connection) <= {499, 500}
        await mirror.save({**BOARD, "modules": {"Cart": {"spec": "x"}, "Users": {"spec": "y"}}})
        assert await _lifetimes(connection) <= {499, 500}
        await keep(connection, KEYS, FOR_EVER)
        await mirror.save({"modules": {"Orders": {"spec": "z"}}})
        assert await _lifetimes(connection) == {-1}
