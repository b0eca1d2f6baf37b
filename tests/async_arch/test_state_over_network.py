"""The state in Redis over a network that misbehaves: it ends equal or fails with the reason, never wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section
from agents.build import EventKind, TaskEvent
from agents.workflow import Reads
from async_arch.document_mirror import DocumentMirror
from async_arch.document_writes import set_hash
from async_arch.embedded_redis import EmbeddedRedis, embedded_redis
from async_arch.lease import RunHeld, held_lease, holder_of
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.redis_scripts import Answer
from async_arch.redis_writer import Conflict, RedisWriter
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from tests.network.build_writes import LeftByBuild, left_by, write_build
from tests.network.certificate import make_certificate
from tests.network.cuts import Cuts
from tests.network.proxy import Proxy, proxying

MODULES = 30
TIMEOUT_S = 30.0

open_state = RedisStateManager.open


def _socket(server: EmbeddedRedis) -> Path:
    return Path(urlsplit(server.url).path)


def _over(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


async def _undisturbed(server: EmbeddedRedis, modules: int = MODULES) -> LeftByBuild:
    async with open_state(server.url, "undisturbed") as state:
        await write_build(state, modules)
        return await left_by(state)


async def _left(server: EmbeddedRedis, run: str) -> LeftByBuild:
    async with open_state(server.url, run) as state:
        return await left_by(state)


async def _until_half_written(server: EmbeddedRedis, run: str) -> None:
    async with open_state(server.url, run) as state, asyncio.timeout(TIMEOUT_S):
        await state.begin()
        while len((await state.snapshot()).get("agent_attempts", ())) < MODULES / 2:  # type: ignore[arg-type]  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _causes(part)
    else:
        yield error


@asynccontextmanager
async def _network() -> AsyncIterator[tuple[EmbeddedRedis, Proxy]]:
    async with embedded_redis() as server, proxying(_socket(server)) as proxy:
        yield server, proxy


@asynccontextmanager
async def _scripts_known(server: EmbeddedRedis) -> AsyncIterator[RedisStateManager]:
    """A run that was begun, so that the server knows the script and does what it is asked the first time."""
    async with open_state(server.url, "run") as direct:
        await direct.create(ProjectInfo("a shop", "t", ProjectStatus.BUILDING))
        yield direct


async def test_a_redis_that_is_away_for_a_second_is_waited_for() -> None:
    async with _network() as (server, proxy), open_state(_over(proxy), "run") as state:
        proxy.delay_s = 0.005
        async with asyncio.TaskGroup() as group:
            build = group.create_task(write_build(state, MODULES))
            await _until_half_written(server, "run")
            async with proxy.away():
                await asyncio.sleep(1)
                assert not build.done()
        assert await _left(server, "run") == await _undisturbed(server)


async def test_a_redis_that_is_away_for_longer_than_that_fails_the_build_and_says_why() -> None:
    async with _network() as (server, proxy), open_state(_over(proxy), "run", patience_s=0.3) as state:
        proxy.delay_s = 0.005
        build = asyncio.create_task(write_build(state, MODULES))
        await _until_half_written(server, "run")
        async with proxy.away(), asyncio.timeout(TIMEOUT_S):
            with pytest.raises(ExceptionGroup) as caught:
                await build
        for cause in _causes(caught.value):
            assert isinstance(cause, StateUnavailable)
            assert f"no answer from Redis at {_over(proxy)} for 0.3 s" in str(cause)
            assert "onnect" in str(cause)
        async with open_state(server.url, "run") as direct:
            board = await direct.snapshot()
            checkpoints = await direct.checkpoints()
    # What it has written is whole: a task is there with all it did, or not at all.
    attempts, logs = board["agent_attempts"], board["logs"]
    assert isinstance(attempts, list)
    assert isinstance(logs, list)
    done = [f"developer:{attempt['module']}" for attempt in attempts]
    assert MODULES / 2 <= len(done) < MODULES
    assert [log["message"] for log in logs] == [f"{task} is done" for task in done]
    assert len(board["files_created"]) == len(done)  # type: ignore[arg-type]
    assert checkpoints is not None
    assert set(checkpoints.tasks) == set(done)


async def test_a_redis_that_is_not_there_from_the_start_is_not_waited_for() -> None:
    async with _network() as (_, proxy), proxy.away(), asyncio.timeout(TIMEOUT_S):
        with pytest.raises(StateUnavailable, match=f"no answer from Redis at {_over(proxy)}: .*connecting"):
            async with open_state(_over(proxy), "run", patience_s=1000):
                pass


async def test_what_is_no_redis_is_called_that_at_the_start_and_in_mid_run() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with (
        _network() as (_, proxy),
        await asyncio.start_server(answer, "127.0.0.1", 0) as no_redis,
        open_state(_over(proxy), "run") as state,
        asyncio.timeout(TIMEOUT_S),
    ):
        await write_build(state, 1)
        proxy.server = no_redis.sockets[0].getsockname()
        proxy.cut()
        with pytest.raises(StateUnavailable, match=f"what answers at {_over(proxy)} is no Redis"):
            await state.add([])
        with pytest.raises(StateUnavailable, match=f"what answers at {_over(proxy)} is no Redis"):
            async with open_state(_over(proxy), "run"):
                pass


async def test_a_slow_network_changes_nothing() -> None:
    async with _network() as (server, proxy), open_state(_over(proxy), "run") as state:
        undisturbed = await _undisturbed(server, 16)
        proxy.delay_s = 0.02
        await write_build(state, 16)
        assert await left_by(state) == undisturbed


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_connections_that_are_cut_anywhere_change_nothing(seed: int) -> None:
    """Fifty cuts and more, over as many builds as that takes."""
    async with _network() as (server, proxy):
        undisturbed = await _undisturbed(server)
        cuts = Cuts(mean_bytes=10_000, seed=seed)
        while cuts.made < 50:
            run = f"after {cuts.made} cuts"
            async with open_state(_over(proxy), run) as state:
                proxy.cuts = cuts
                await write_build(state, MODULES)
                proxy.cuts = None
            assert await _left(server, run) == undisturbed


async def test_a_listener_whose_connections_are_cut_hears_every_event_once_and_in_order() -> None:
    async with _network() as (server, proxy), open_state(_over(proxy), "run") as state:
        await _undisturbed(server)
        proxy.cuts = Cuts(mean_bytes=10_000, seed=4)
        async with asyncio.TaskGroup() as group:
            heard = group.create_task(_hear(state))
            await write_build(state, MODULES)
            proxy.cuts = None
        async with open_state(server.url, "run") as direct:
            assert heard.result() == await _hear(direct)
    assert len(heard.result()) == 2 + 2 * MODULES


async def _hear(state: RedisStateManager) -> list[str]:
    return [str(event) async for event in state.events()]


async def test_a_redis_that_accepts_and_answers_nothing_for_a_while_is_waited_for() -> None:
    async with (
        _network() as (server, proxy),
        open_redis(_over(proxy), answer_timeout_s=0.2) as connection,
        RedisStateManager.on(connection, "run") as state,
    ):
        proxy.delay_s = 0.005
        async with asyncio.TaskGroup() as group:
            group.create_task(write_build(state, MODULES))
            await _until_half_written(server, "run")
            async with proxy.hanging():
                await asyncio.sleep(0.5)
        assert await _left(server, "run") == await _undisturbed(server)


async def test_what_is_done_and_never_answered_is_not_done_again() -> None:
    event = TaskEvent(EventKind.TASK_STARTED, "t", "developer:Cart")
    async with (
        _network() as (server, proxy),
        _scripts_known(server) as direct,
        open_state(_over(proxy), "run") as state,
    ):
        async with asyncio.TaskGroup() as group, proxy.hanging(commands=False):
            group.create_task(state.add([Entry(Section.LOGS, (0, 0), "", "once")]))
            group.create_task(state.announce(event))
            async with asyncio.timeout(TIMEOUT_S):
                while not (await direct.snapshot())["logs"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            proxy.cut()
        await state.finish(ProjectStatus.COMPLETE, TaskEvent(EventKind.BUILD_FINISHED, "t"))
        left = await left_by(state)
    assert len(left.events) == 2
    assert left.document.count("once") == 1


async def test_what_is_refused_and_never_answered_does_not_look_done() -> None:
    """An update after it, of the same writer, is done: that must not vouch for the one before."""
    async with (
        _network() as (server, proxy),
        _scripts_known(server) as direct,
        open_redis(_over(proxy)) as connection,
        RedisWriter(connection, RunKeys("run")).running() as writer,
        asyncio.TaskGroup() as group,
        proxy.hanging(commands=False),
    ):
        refused = group.create_task(_conflicting(writer))
        done = group.create_task(writer.write([set_hash("files", b"later.py", b"")]))
        # Both may go in one call; where the second waits for the answer to the first, it does not come.
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while not await _is_file(direct, "later.py"):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        proxy.cut()
    assert refused.result() == "refused"
    assert done.result().answer in (Answer.OK, Answer.AGAIN)


async def _conflicting(writer: RedisWriter) -> str:
    with pytest.raises(Conflict):
        await writer.write([set_hash("files", b"earlier.py", b"")], expected_sections={b"logs": 7})
    return "refused"


async def _is_file(state: RedisStateManager, path: str) -> bool:
    return path in (await state.read(Reads(all_files=True))).files


async def test_a_redis_that_is_killed_and_restarts_on_its_file_is_waited_for(tmp_path: Path) -> None:
    """It knows none of the scripts any more, and all that it ever said was written."""
    async with AsyncExitStack() as first:
        server = await first.enter_async_context(embedded_redis(data_dir=tmp_path))
        async with proxying(_socket(server)) as proxy, open_state(_over(proxy), "run") as state:
            proxy.delay_s = 0.005
            build = asyncio.create_task(write_build(state, MODULES))
            await _until_half_written(server, "run")
            os.kill(server.pid, signal.SIGKILL)
            await first.aclose()
            async with embedded_redis(data_dir=tmp_path) as again:
                proxy.server = _socket(again)
                await build
                assert await _left(again, "run") == await _undisturbed(again)


async def test_tls_is_spoken_with_a_server_that_the_named_authority_vouches_for(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with embedded_redis() as server, proxying(_socket(server), certificate.server) as proxy:
        undisturbed = await _undisturbed(server)
        url = f"rediss://localhost:{proxy.port}/0"
        async with open_state(f"{url}?ssl_ca_certs={certificate.authority}", "run") as state:
            # Long enough that records of TLS end inside commands.
            await write_build(state, MODULES)
            assert await left_by(state) == undisturbed
        with pytest.raises(StateUnavailable, match=f"no answer from Redis at {url}: .*CERTIFICATE_VERIFY"):
            async with open_state(url, "run"):
                pass


async def test_a_certificate_for_another_host_is_not_believed(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "redis.example")
    async with embedded_redis() as server, proxying(_socket(server), certificate.server) as proxy:
        url = f"rediss://localhost:{proxy.port}/0?ssl_ca_certs={certificate.authority}"
        with pytest.raises(StateUnavailable, match="certificate is not valid for 'localhost'"):
            async with open_state(url, "run"):
                pass


ALLOWED = frozenset(
    (
        *("ping", "eval", "evalsha", "multi", "exec", "expire", "ttl", "pttl", "exists", "del", "type"),
        *("get", "set", "hsetnx", "hset", "hget", "hmget", "hgetall", "hexists", "hincrby", "hdel"),
        *("xadd", "xread", "xrange", "xdel", "publish", "subscribe"),
    )
)
"""The commands that a user has to be allowed; another database than 0 needs `select` too."""

SAID_BEFORE_ANYTHING_ELSE = {"auth", "client|setinfo"}
"""What the client says by itself: the one is always allowed, and nothing is lost where the other is not."""


async def test_a_user_needs_few_commands_on_keys_of_ours() -> None:
    async with _network() as (server, proxy), open_redis(server.url) as admin:
        rights = ["~agentfactory:*", "&agentfactory:*", *(f"+{command}" for command in ALLOWED)]
        await admin.command("ACL", "SETUSER", "factory", "reset", "on", ">pass word", *rights)
        undisturbed = await _undisturbed(server)
        await admin.command("CONFIG", "RESETSTAT")
        url = _over(proxy).replace("//", "//factory:pass%20word@")
        async with open_redis(url) as connection:
            assert await _use_everything(connection) == undisturbed
        found = await admin.client.info("commandstats")
        log = await admin.command("ACL", "LOG")
    used = {name.removeprefix("cmdstat_") for name in found} - {"config|resetstat", "info"}
    assert used - SAID_BEFORE_ANYTHING_ELSE == ALLOWED
    assert [entry[7] for entry in log] == [b"client|setinfo"]


async def _use_everything(connection: RedisConnection) -> LeftByBuild:
    """Build, lease and mirror, with every script and every kind of write."""
    async with held_lease(connection, "run", lifetime_s=1.5) as token:
        async with RedisStateManager.on(connection, "run", token) as state:
            await write_build(state, MODULES)
            left = await left_by(state)
        assert await holder_of(connection, "run")
        with pytest.raises(RunHeld):
            async with held_lease(connection, "run", lifetime_s=1.5):
                pass
    async with DocumentMirror.on(connection, "mirror") as mirror:
        await mirror.save(
            {"members": {"a": {"b": 1, "c": 2}, "d": {"e": 3}, "f": 4}, "items": [1, 2], "gone": 5}
        )
        await mirror.save({"members": {"a": {"b": 6}}, "items": [1]})
    async with RedisStateManager.on(connection, "mirror") as state:
        await state.delete()
    return left


async def test_a_wrong_password_is_one_line_without_it() -> None:
    async with _network() as (server, proxy), open_redis(server.url) as admin:
        await admin.command("ACL", "SETUSER", "factory", "reset", "on", ">right", "+@all")
        with pytest.raises(StateUnavailable) as caught:
            async with open_state(_over(proxy).replace("//", "//factory:wrong%20secret@"), "run"):
                pass
    text = str(caught.value)
    assert text.startswith(f"Redis at redis://factory:***@127.0.0.1:{proxy.port}/0 refuses: invalid username")
    assert "secret" not in text
    assert "\n" not in text


async def test_a_command_that_a_user_may_not_give_is_named() -> None:
    async with _network() as (server, proxy), open_redis(server.url) as admin:
        rights = ["~agentfactory:*", "&agentfactory:*", *(f"+{command}" for command in ALLOWED - {"xadd"})]
        await admin.command("ACL", "SETUSER", "factory", "reset", "on", "nopass", *rights)
        async with open_state(_over(proxy).replace("//", "//factory:any@"), "run") as state:
            with pytest.raises(StateUnavailable, match=r"refuses: .*xadd"):
                await write_build(state, MODULES)
