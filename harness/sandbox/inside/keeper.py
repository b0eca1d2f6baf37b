"""The keeper: process 1 of a sandbox. It lays out the files, starts the command, holds the limits, ends all.

Where process 1 ends, the kernel kills whatever else is in the sandbox, however it was started; so all that
this script must do is to end: when the command has, when a limit is passed, or when its standard input ends,
that is, when nobody waits any more. What it is to do it is told in a line of JSON, after which come the
contents of the files. On a pipe of its own it says that it keeps, before it starts anything, and how it went.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

__all__ = ["keep", "renounce"]

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_LOOK_EVERY_S = 0.05
_PAGE = resource.getpagesize()
_NOT_STARTED = 127


def keep() -> None:
    """Run the command that standard input tells of, and end with everything that came of it."""
    # What process 1 does not wait for cannot be sent to it from inside; Python waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    stdin = sys.stdin.buffer
    job = json.loads(stdin.readline())
    report: int = job["report"]
    os.set_inheritable(report, False)
    _lay_out(stdin, job["files"], Path(job["cwd"]))
    given = os.memfd_create("given")
    os.write(given, job["given"].encode())
    os.lseek(given, 0, os.SEEK_SET)
    os.write(report, b"kept\n")
    command = os.fork()
    if command == 0:
        _become(job, given)
    os.close(given)
    ended = _watch(command, job["limits"])
    os.write(report, json.dumps(ended).encode())
    os._exit(0)


def renounce() -> None:
    """Give up every capability for good, here and in all that is started; and end with the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) or libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
    # What is kept in has the same user and could otherwise take hold of its keeper.
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _lay_out(stdin: BinaryIO, files: Sequence[tuple[str, int]], folder: Path) -> None:
    for name, size in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stdin.read(size))


def _become(job: Mapping[str, object], given: int) -> None:
    """Turn this process into the command."""
    command, env, limits = job["command"], job["env"], job["limits"]
    try:
        if not (isinstance(command, list) and isinstance(env, dict) and isinstance(limits, dict)):
            raise ValueError("not a job")
        os.setsid()
        os.dup2(given, 0)
        os.chdir(str(job["cwd"]))
        # Python ignores these, and what it starts would as well.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        # At the first of the two it is told by a signal that has a name, at the second it is killed.
        resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["cpu_s"] + 1))
        for name, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_AS, limits["memory"]),
            (resource.RLIMIT_FSIZE, limits["file_size"]),
            (resource.RLIMIT_NOFILE, limits["open_files"]),
            (resource.RLIMIT_NPROC, limits["processes"]),
        ):
            resource.setrlimit(name, (value, value))
        os.execve(command[0], command, env)  # noqa: S606 (this is what a sandbox is for)
    except (OSError, ValueError) as error:
        os.write(2, f"{command}: cannot be started: {error}\n".encode())
    finally:
        os._exit(_NOT_STARTED)


def _watch(command: int, limits: Mapping[str, float]) -> dict[str, object]:
    """Wait until the command ends or a limit is passed, and say which."""
    until = time.monotonic() + limits["wall_s"]
    waiter = select.poll()
    waiter.register(0, select.POLLIN)
    # A child that ends is noticed at once.
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    waiter.register(woken, select.POLLIN)
    while True:
        status = _reap(command)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            return {"exit_code": code, "limit": "cpu" if -code == signal.SIGXCPU else None}
        limit = _passed(limits, until)
        if limit:
            return {"exit_code": None, "limit": limit}
        for descriptor, _ in waiter.poll(_LOOK_EVERY_S * 1000):
            if descriptor == 0 and not os.read(0, 1):
                os._exit(0)
            if descriptor == woken:
                os.read(woken, 4096)


def _reap(command: int) -> int | None:
    """Bury what has ended, orphans too; the status of the command if it has."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status


def _passed(limits: Mapping[str, float], until: float) -> str | None:
    """The limit that all that runs in here has passed together; the kernel's own hold for each process."""
    if time.monotonic() > until:
        return "time"
    processes = memory = 0
    for entry in os.listdir("/proc"):  # noqa: PTH208 (often, and this is faster)
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/statm", "rb") as file:  # noqa: PTH123
                    memory += int(file.read().split()[1]) * _PAGE
            except OSError:
                continue
            processes += 1
    if processes > limits["processes"] + 1:
        return "processes"
    return "memory" if memory > limits["memory"] else None


if __name__ == "__main__":
    renounce()
    keep()
