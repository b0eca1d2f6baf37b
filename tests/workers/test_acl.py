"""The users of examples/deploy: with the rights in its files everything works, with one less it does not."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import redis.asyncio
import redis.exceptions
import yaml

from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import BuildOutcome
from async_arch.embedded_redis import EmbeddedRedis, embedded_redis, find_server
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from async_arch.workers.queue_standing import queue_standing
from async_arch.workers.roster import live_workers
from async_arch.workers.settings import ModelHost
from async_arch.workers.task_queue import queue_name
from harness.errors import SurroundingsError
from harness.workers.fleet import look_at_workers
from tests.workers.small_build import CODE, build, model, worker

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
USERS = DEPLOY / "users.acl"
TEAM = DEPLOY / "team.acl"
PASSWORD = "correct horse"  # noqa: S105
HASH = hashlib.sha256(PASSWORD.encode()).hexdigest()
OURS = "20261201-090000-team-a-shop-async-0a1b2c"
THEIRS = "20261201-090000-team-b-shop-async-0a1b2c"

SAID_BY_ITSELF = ("command", "client|setinfo")
"""What the client says by itself; nothing is lost where it may not."""


def _filled_in(file: Path) -> str:
    text = re.sub(r"#SHA256-OF-[A-Z-]+", f"#{HASH}", file.read_text())
    return text.replace("TEAM", "team-a").replace("CODE", CODE[:16])


def _users(file: Path) -> dict[str, list[str]]:
    """The rights of each user, as the file has them."""
    lines = [line.split() for line in _filled_in(file).splitlines()]
    assert all(line[0] == "user" for line in lines)
    return {name: rights for _, name, *rights in lines if name != "default"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """A Redis with users, and what they were refused."""

    server: EmbeddedRedis
    admin: RedisConnection

    def url(self, user: str) -> str:
        return self.server.url.replace("unix://", f"unix://{user}:{quote(PASSWORD)}@")

    async def grant(self, user: str, rights: list[str]) -> None:
        await self.admin.command("ACL", "SETUSER", user, "reset", *rights)

    async def refused(self) -> set[tuple[str, ...]]:
        """Who was refused what: a command, a key or a channel, and which."""
        log = await self.admin.command("ACL", "LOG")
        entries = (dict(zip(entry[::2], entry[1::2], strict=True)) for entry in log)
        told = {
            tuple(entry[key].decode() for key in (b"username", b"reason", b"object")) for entry in entries
        }
        return {each for each in told if each[1:] != SAID_BY_ITSELF}


@asynccontextmanager
async def _guarded(*files: Path) -> AsyncIterator[Guarded]:
    async with embedded_redis() as server, open_redis(server.url) as admin:
        guarded = Guarded(server, admin)
        for file in files:
            for user, rights in _users(file).items():
                await guarded.grant(user, rights)
        yield guarded


async def _build_with_everything(
    guarded: Guarded, folder: Path, *, worker_user: str, build_user: str, run: str, queue: str
) -> BuildOutcome:
    """Build where one worker gives its tasks up, another takes them over, and some wait for a slot."""
    two_slots = [ModelHost("http://gpu", 2)]
    async with model(ttft_s=0.02) as url, asyncio.TaskGroup() as group:
        building = group.create_task(
            build(guarded.url(build_user), url, folder, run=run, queue=queue, hosts=two_slots)
        )
        async with worker(guarded.url(worker_user), queue, "first") as first:
            await _until_something_is_begun(guarded, queue)
            first.cancel()
        async with worker(guarded.url(worker_user), queue, "second"):
            return await building


async def _until_something_is_begun(guarded: Guarded, queue: str) -> None:
    async with asyncio.timeout(10):
        while not (await queue_standing(guarded.admin, queue_name(queue, CODE), 1.0)).underway:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_build_by_workers_needs_no_more_than_the_rights_in_the_file(tmp_path: Path) -> None:
    async with _guarded(USERS) as guarded:
        outcome = await _build_with_everything(
            guarded, tmp_path, worker_user="worker", build_user="build", run=OURS, queue="default"
        )
        assert await guarded.refused() == set()
    assert outcome.status is ProjectStatus.COMPLETE


async def test_a_team_builds_with_its_own_runs_and_queue_and_sees_no_others(tmp_path: Path) -> None:
    async with _guarded(TEAM) as guarded:
        async with RedisStateManager.on(guarded.admin, THEIRS) as theirs:
            await theirs.create(ProjectInfo("a secret", "t", ProjectStatus.BUILDING))
        outcome = await _build_with_everything(
            guarded,
            tmp_path,
            worker_user="worker-team-a",
            build_user="build-team-a",
            run=OURS,
            queue="team-a",
        )
        assert await guarded.refused() == set()
        for user in ("worker-team-a", "build-team-a"):
            await _sees_nothing_of(THEIRS, guarded.url(user))
    assert outcome.status is ProjectStatus.COMPLETE


async def _sees_nothing_of(run: str, url: str) -> None:
    async with RedisStateManager.open(url, run, patience_s=0.0) as state:
        with pytest.raises(StateUnavailable, match=r"refuses: .*[Nn]o permissions to access a key"):
            await state.snapshot()
        with pytest.raises(StateUnavailable, match=r"refuses: .*[Nn]o permissions to access a key"):
            await state.checkpoint("analyst")
    keys, queue = RunKeys(run), f"agentfactory:queue:team-b:{CODE[:16]}"
    async with redis.asyncio.from_url(url, protocol=2) as client:
        for question in (
            ("XREAD", "STREAMS", keys["events"], "0"),
            ("HGETALL", keys["files"]),
            ("HSET", keys["tasks"], "analyst", "{}"),
            ("XRANGE", f"{queue}:stream", "-", "+"),
            ("HGETALL", f"{queue}:runs:{run}:1:analyst"),
            ("PUBLISH", f"{queue}:cancel:{run}:1:analyst", f"{run}:1:analyst"),
            ("PSUBSCRIBE", "*"),
            ("EVAL", "return redis.call('HGETALL', KEYS[1])", "1", keys["files"]),
            ("EVAL", f"return redis.call('HGETALL', '{keys['files']}')", "0"),
        ):
            with pytest.raises(redis.exceptions.ResponseError, match=r"[Nn]o permissions"):
                await client.execute_command(*question)  # type: ignore[no-untyped-call]


async def test_who_watches_sees_the_workers_and_can_change_nothing() -> None:
    async with _guarded(USERS) as guarded, worker(guarded.url("worker")):
        async with asyncio.timeout(10):
            while not await live_workers(guarded.admin):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        fleet = await look_at_workers(guarded.url("watcher"))
        assert [each.name for each in fleet.workers] == ["w"]
        assert [(each.queue, each.workers) for each in fleet.queues] == [("default", 1)]
        async with open_redis(guarded.url("watcher"), patience_s=0.0) as connection:
            for refused in (
                ("DEL", "agentfactory:workers"),
                ("HGETALL", RunKeys(OURS)["files"]),
                ("HMGET", RunKeys(OURS)["files"], "app.py"),
            ):
                with pytest.raises(StateUnavailable, match="refuses"):
                    await connection.command(*refused)


async def test_who_watches_and_may_not_ask_for_the_time_is_told_so_in_one_line() -> None:
    async with _guarded(USERS) as guarded:
        rights = [each for each in _users(USERS)["watcher"] if each != "+time"]
        await guarded.grant("watcher", rights)
        with pytest.raises(SurroundingsError, match=r"refuses: .*no permissions to run the 'time' command$"):
            await look_at_workers(guarded.url("watcher"))


@pytest.mark.parametrize(
    ("user", "right", "sentence"),
    [
        ("worker", "+ping", "no permissions to run the 'ping' command"),
        ("worker", "+time", "no permissions to run the 'time' command"),
        ("worker", "+script|load", "no permissions to run the 'script|load' command"),
        ("worker", "+xgroup|create", "no permissions to run the 'xgroup|create' command"),
        ("worker", "+psubscribe", "no permissions to run the 'psubscribe' command"),
        ("worker", "&*", "No permissions to access a channel"),
        ("worker", "+hexists", "no permissions to run the 'hexists' command"),
        ("worker", "+xautoclaim", "no permissions to run the 'xautoclaim' command"),
        ("worker", "+xpending", "no permissions to run the 'xpending' command"),
        ("worker", "~agentfactory:{*", "No permissions to access a key"),
        ("build", "+time", "no permissions to run the 'time' command"),
        ("build", "+hsetnx", "no permissions to run the 'hsetnx' command"),
        ("build", "~agentfactory:queue:*", "No permissions to access a key"),
        ("build", "&agentfactory:queue:*", "No permissions to access a channel"),
    ],
)
async def test_without_one_of_the_rights_nothing_is_built_and_somebody_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, user: str, right: str, sentence: str
) -> None:
    async with _guarded(USERS) as guarded, model() as url:
        rights = _users(USERS)[user]
        await guarded.grant(user, [each for each in rights if each != right])
        assert right in rights
        async with worker(guarded.url("worker")) as working:
            building = asyncio.create_task(build(guarded.url("build"), url, tmp_path))
            try:
                async with asyncio.timeout(10):
                    while sentence not in "".join([caplog.text, _told(working), _told(building)]):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                assert not building.done() or building.result().status is ProjectStatus.FAILED
            finally:
                building.cancel()
                await asyncio.wait([building], timeout=5)


def _told(task: asyncio.Task[BuildOutcome] | asyncio.Task[None]) -> str:
    """What a task that failed says of it; nothing of one that is under way."""
    if not task.done() or task.cancelled():
        return ""
    if (error := task.exception()) is not None:
        return _text(error)
    outcome = task.result()
    return " ".join(failure.reason for failure in outcome.failures) if outcome else ""


def _text(error: BaseException) -> str:
    return " ".join(map(_text, error.exceptions)) if isinstance(error, BaseExceptionGroup) else str(error)


def _server_of_the_compose_file(folder: Path, users: str) -> list[str]:
    """The command line in compose.yaml, with this machine's server and paths in place of the container's."""
    command: list[str] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["redis"]["command"]
    (folder / "users.acl").write_text(users)
    assert command[0] == "redis-server"
    own = [str(folder / "users.acl") if part.endswith("/users.acl") else part for part in command[1:]]
    where = ["--port", "0", "--unixsocket", str(folder / "s"), "--dir", str(folder)]
    return [str(find_server().path), *own, *where]


@asynccontextmanager
async def _server_of_ones_own(folder: Path) -> AsyncIterator[str]:
    """What stands behind the user in the URL of that server."""
    command = _server_of_the_compose_file(folder, _filled_in(USERS) + _filled_in(TEAM))
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        where = f":{quote(PASSWORD)}@{folder}/s"
        await _until_it_answers(f"unix://health{where}")
        yield where
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(StateUnavailable):
                async with open_redis(url, patience_s=0.0):
                    return
            await asyncio.sleep(0.01)


async def test_a_server_takes_the_files_as_they_are_but_for_the_passwords(tmp_path: Path) -> None:
    async with _server_of_ones_own(tmp_path) as where:
        for user in ("worker", "build", "watcher", "worker-team-a", "build-team-a", "admin"):
            async with open_redis(f"unix://{user}{where}"):
                pass
        with pytest.raises(StateUnavailable, match="Authentication required"):
            async with open_redis(f"unix://{tmp_path}/s"):
                pass
        async with open_redis(f"unix://health{where}") as connection:
            with pytest.raises(StateUnavailable, match="no permissions to run the 'get' command"):
                await connection.command("GET", "agentfactory:workers")


async def test_a_server_that_is_started_again_has_all_that_it_had(tmp_path: Path) -> None:
    """Redis 7.0 reads transactions in its file, and so what scripts wrote, with the rights of `default`."""
    assert USERS.read_text().startswith("user default off ~* &* +@all\n")
    async with (
        _server_of_ones_own(tmp_path) as where,
        RedisStateManager.open(f"unix://build{where}", OURS) as state,
    ):
        await state.create(ProjectInfo("a shop", "t", ProjectStatus.BUILDING))
        written = await state.snapshot()
    async with (
        _server_of_ones_own(tmp_path) as where,
        RedisStateManager.open(f"unix://build{where}", OURS) as state,
    ):
        assert await state.snapshot() == written


async def test_a_server_does_not_start_before_the_passwords_are_filled_in(tmp_path: Path) -> None:
    command = _server_of_the_compose_file(tmp_path, USERS.read_text())
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode
    assert b"password hash must be exactly 64 characters" in said
