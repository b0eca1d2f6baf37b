"""What is run in a sandbox is kept in: it sees, reaches and leaves nothing, and ends at its limits."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox import Limit, Limits, Sandbox, SandboxUnavailable, find_sandbox
from harness.sandbox.job import SandboxJob
from harness.sandbox.view import View
from tests.sandbox.commands import program, running

MB = 1 << 20

# Everything that must fail, each in turn; what was done in spite of all is told.
ESCAPES = """
import json, os, socket, sys

# LC_CTYPE is Python's own doing.
def connect(): socket.create_connection(("127.0.0.1", PORT), timeout=2)
def far(): socket.create_connection(("192.0.2.1", 80), timeout=2)
def abstract(): socket.socket(socket.AF_UNIX).connect("\\0" + NAME)
def home(): os.listdir(HOME)
def secret(): open(SECRET).read()
def source(): os.listdir(SOURCE)
def environment(): os.environ["SANDBOX_TEST_SECRET"]
def shadow(): open("/etc/shadow").read()
def machine(): open("/proc/sys/kernel/core_pattern", "w")
def usr(): open("/usr/planted", "w")
def shown(): open(SHOWN + "/planted", "w")
def change(): open(SHOWN + "/there", "a")
def root(): open("/planted", "w")
def dev(): open("/dev/planted", "w")
def outside(): os.kill(OUTSIDE, 0)
def keeper():
    for number in range(1, 65): os.kill(1, number)
    open("/proc/1/mem", "rb").close()
def user(): os.setuid(0)
def namespace():
    import ctypes
    if ctypes.CDLL(None).unshare(0x10000000): raise OSError
def disk(): os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))

done = []
for attempt in (connect, far, abstract, home, secret, source, environment, shadow, machine, usr, shown,
                change, root, dev, outside, keeper, user, namespace, disk):
    try:
        attempt()
    except (OSError, KeyError):
        continue
    done.append(attempt.__name__)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
json.dump({"done": done, "rights": [status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs")],
           "env": sorted(os.environ.keys() - {"LC_CTYPE"})}, sys.stdout)
"""


async def test_nothing_outside_can_be_seen_reached_or_written(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("password")
    (tmp_path / "secret").chmod(0o644)
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown").chmod(0o777)
    (tmp_path / "shown" / "there").touch(0o666)
    (tmp_path / "shown" / "there").chmod(0o666)
    monkeypatch.setenv("SANDBOX_TEST_SECRET", "password")
    name = f"sandbox-test-{uuid.uuid4()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        told = {
            "PORT": server.getsockname()[1],
            "NAME": name,
            "HOME": str(Path.home()) if Path.home() != Path("/root") else "/root/.cache",
            "SECRET": str(tmp_path / "secret"),
            "SOURCE": str(Path(__file__).parents[2]),
            "SHOWN": str(tmp_path / "shown"),
            "OUTSIDE": os.getpid(),
        }
        code = "".join(f"{key} = {value!r}\n" for key, value in told.items()) + ESCAPES

        ended = await sandbox.run(replace(program(code), shown=(tmp_path / "shown",)))

    assert (ended.exit_code, ended.limit) == (0, None), ended.stderr
    assert json.loads(ended.stdout) == {"done": [], "rights": ["0" * 16, "0" * 16, "1"], "env": []}


async def test_it_has_its_files_its_input_its_loopback_and_its_environment(sandbox: Sandbox) -> None:
    code = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
open("made", "w").write(open("a/b.txt").read())
host = socket.gethostbyname("localhost")
print(os.getcwd(), open("made").read(), sys.stdin.read(), os.environ["NAME"], host)
"""
    job = replace(program(code, files={"a/b.txt": b"read"}, given="given"), env={"NAME": "value"})
    ended = await sandbox.run(job)
    assert (ended.stdout, ended.exit_code) == (b"/project read given value 127.0.0.1\n", 0), ended.stderr


PASSED = {
    "endless": ("while True: pass", Limits(cpu_s=1, wall_s=20.0), Limit.CPU),
    "asleep": ("import time; time.sleep(100)", Limits(wall_s=0.3), Limit.TIME),
    "talker": ("while True: print('x' * 100_000)", Limits(output=MB), Limit.OUTPUT),
    "many hogs": (
        "import os, time\n"
        "for _ in range(4): os.fork()\n"
        "hoard = bytearray(b'x') * (20 << 20)\n"
        "time.sleep(100)",
        Limits(memory=100 * MB, wall_s=20.0),
        Limit.MEMORY,
    ),
}


@pytest.mark.parametrize("case", PASSED)
async def test_it_ends_where_it_passes_a_limit(sandbox: Sandbox, case: str) -> None:
    code, limits, limit = PASSED[case]
    ended = await sandbox.run(program(code, limits=limits))
    assert ended.limit is limit


REFUSED = {
    "memory": ("hoard = bytearray(b'x') * (200 << 20)", Limits(memory=100 * MB), b"MemoryError"),
    "large file": ("open('x', 'wb').write(b'x' * (2 << 20))", Limits(file_size=MB), b"File too large"),
    "full disk": (
        "for i in range(9): open(f'{i}', 'wb').write(b'x' * (1 << 20))",
        Limits(disk=4 * MB),
        b"No space left",
    ),
    "open files": ("held = [open('/dev/null') for _ in range(99)]", Limits(open_files=32), b"Too many open"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_it_is_refused_what_is_beyond_a_limit(sandbox: Sandbox, case: str) -> None:
    code, limits, words = REFUSED[case]
    ended = await sandbox.run(program(code, limits=limits))
    assert ended.exit_code == 1
    assert words in ended.stderr


async def test_a_fork_bomb_ends_and_leaves_nothing(sandbox: Sandbox) -> None:
    """The kernel refuses more processes, or the keeper ends them; none is there in the end."""
    mark = f"bomb-{uuid.uuid4()}"
    code = f"import os\nmark = {mark!r}\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    limits = Limits(processes=20, wall_s=1.0)
    began = time.monotonic()

    ended = await sandbox.run(program(code, limits=limits))

    assert ended.limit in (Limit.PROCESSES, Limit.TIME)
    assert time.monotonic() - began < 15
    assert running(mark) == []


LEAVES_ONE = """
import subprocess, sys
command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(100) # MARK"]
subprocess.Popen(command, start_new_session=True)
print("left", flush=True)
"""


async def test_what_it_started_is_gone_when_it_has_ended(sandbox: Sandbox) -> None:
    mark = f"left-{uuid.uuid4()}"
    ended = await sandbox.run(program(LEAVES_ONE.replace("MARK", mark)))
    assert ended.stdout == b"left\n"
    assert running(mark) == []


async def test_all_of_it_is_gone_when_nobody_waits_any_more(sandbox: Sandbox) -> None:
    mark = f"cancelled-{uuid.uuid4()}"
    run = asyncio.create_task(sandbox.run(program(f"import time; time.sleep(100) # {mark}")))
    await until(lambda: len(running(mark)) > 0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert running(mark) == []


async def test_a_keeper_that_is_ended_from_outside_is_not_taken_for_a_missing_sandbox(
    sandbox: Sandbox,
) -> None:
    mark = f"orphan-{uuid.uuid4()}"
    run = asyncio.create_task(sandbox.run(program(f"import time; time.sleep(100) # {mark}")))
    await until(lambda: len(running(mark)) > 0)
    status = Path(f"/proc/{running(mark)[0]}/status").read_text()
    os.kill(int(re.findall(r"PPid:\s*(\d+)", status)[0]), signal.SIGKILL)
    ended = await run
    assert (ended.exit_code, ended.limit) == (None, Limit.KEEPER)
    assert running(mark) == []


RUNS_ONE = """
import asyncio, sys
from harness.sandbox import find_sandbox
from tests.sandbox.commands import program
async def main():
    await (await find_sandbox()).run(program("import time; time.sleep(100) # " + sys.argv[1]))
asyncio.run(main())
"""


async def test_nothing_survives_that_the_harness_is_killed(sandbox: Sandbox) -> None:
    mark = f"killed-{uuid.uuid4()}"
    harness = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNS_ONE, mark, cwd=Path(__file__).parents[2]
    )
    try:
        # Its own command line has the mark as well.
        await until(lambda: len(running(mark)) > 1)
    finally:
        harness.kill()
        await harness.wait()
    await until(lambda: running(mark) == [])


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 (it is other processes that are waited for)
            await asyncio.sleep(0.02)


async def test_what_cannot_be_started_says_why(sandbox: Sandbox) -> None:
    ended = await sandbox.run(SandboxJob(("/nothing/here",)))
    assert ended.exit_code == 127
    assert b"No such file or directory" in ended.stderr


async def test_a_signal_is_told_from_an_exit(sandbox: Sandbox) -> None:
    ended = await sandbox.run(program("import os; os.abort()"))
    assert ended.exit_code == -signal.SIGABRT


class Broken:
    """A wall that cannot be put up."""

    name = "a fence"

    def missing(self) -> str | None:
        return None

    def keeper(self, view: View) -> tuple[str, ...]:
        return (sys.executable, "-c", "raise SystemExit('the kernel said no')")


class Absent(Broken):
    """A wall that is not installed."""

    name = "a hedge"

    def missing(self) -> str | None:
        return "it is not planted"


async def test_where_nothing_holds_it_is_refused_with_what_was_tried() -> None:
    with pytest.raises(SandboxUnavailable) as refused:
        await find_sandbox([Absent(), Broken()])
    assert "a hedge: it is not planted; a fence: the kernel said no" in str(refused.value)
    assert "Needed is Linux" in str(refused.value)
