"""A command under way: heard to its end, and gone with everything that came of it, however that end comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engines.external.command import Command, CommandEnd, running_command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")

# A child that hears no SIGTERM, and a grandchild that left session and parent; each writes down its pid.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", code, "daemon.pid"], start_new_session=True)
    os._exit(0)
os.wait()
open("main.pid", "w").write(str(os.getpid()))
{then}
"""


def command(folder: Path, *words: str, **environment: str) -> Command:
    return Command(words, folder, {**os.environ, **environment}, folder / "out", folder / "err")


def python(folder: Path, code: str, **environment: str) -> Command:
    return command(folder, sys.executable, "-c", code, **environment)


async def run(job: Command) -> CommandEnd:
    async with asyncio.timeout(20), running_command(job) as running:
        return await running.ended()


async def pids(folder: Path, names: Sequence[str]) -> list[int]:
    """The pids that were written down, once all are."""
    files = [folder / f"{name}.pid" for name in names]
    async with asyncio.timeout(20):
        while not all(file.exists() and file.read_text() for file in files):  # noqa: ASYNC110 - files do not tell
            await asyncio.sleep(0.01)
    return [int(file.read_text()) for file in files]


def assert_gone(found: Sequence[int], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while (alive := [pid for pid in found if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive == []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_what_it_prints_is_kept_and_its_input_is_closed(tmp_path: Path) -> None:
    code = (
        "import os, sys\nprint(repr(sys.stdin.read()), os.getcwd(), os.environ['A'])\n"
        "print('e', file=sys.stderr)"
    )
    end = await run(python(tmp_path, code, A="é\udc80"))
    assert (end.status, end.problem) == (0, None)
    assert (tmp_path / "out").read_bytes() == f"'' {tmp_path} é\udc80\n".encode(errors="surrogateescape")
    assert (tmp_path / "err").read_text() == "e\n"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise SystemExit(3)", "it ended with exit status 3"),
        ("import os; os.kill(os.getpid(), 11)", "it was ended by SIGSEGV"),
        ("import os; os.kill(os.getpid(), 15)", "it was ended by SIGTERM"),
    ],
)
async def test_how_it_ended_is_said(code: str, problem: str, tmp_path: Path) -> None:
    assert (await run(python(tmp_path, code))).problem == problem


async def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    end = await run(command(tmp_path, "no-such-program-1"))
    assert end.failed == "No such file or directory"


async def test_what_it_leaves_running_is_ended(tmp_path: Path) -> None:
    end = await run(python(tmp_path, STUBBORN.format(then=_WAIT_FOR_DAEMON)))
    assert end.status == 0
    assert_gone(await pids(tmp_path, ["daemon"]))


_WAIT_FOR_DAEMON = "\nwhile not os.path.exists('daemon.pid'): time.sleep(0.01)\n"


async def test_when_nobody_waits_any_more_all_of_it_is_ended(tmp_path: Path) -> None:
    job = python(tmp_path, STUBBORN.format(then="time.sleep(600)"))
    began = time.monotonic()
    async with running_command(job):
        found = await pids(tmp_path, ["main", "daemon"])
    assert_gone(found)
    assert time.monotonic() - began < 15


async def test_one_that_hears_sigterm_may_tidy_up(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def bye(*_):\n    open('tidy', 'w').close(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye)\nopen('main.pid', 'w').write('1')\ntime.sleep(600)"
    )
    async with running_command(python(tmp_path, code)):
        await pids(tmp_path, ["main"])
    assert (tmp_path / "tidy").exists()


async def test_it_does_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = "import os, time; open('main.pid', 'w').write(str(os.getpid())); time.sleep(600)"
    async with running_command(python(tmp_path, code)) as running:
        ending = asyncio.create_task(running.ended())
        (pid,) = await pids(tmp_path, ["main"])
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(supervisor, signal.SIGKILL)
        end = await ending
    assert end.problem == "its supervisor ended without a word"
    assert_gone([pid])
