"""The supervisor of an external engine: a script that is run as a process between harness and engine.

It starts a command in a session of its own, and ends it with all that came of it when its own standard input
ends: then nobody waits any more, however that came about. On Linux the orphans of the command become its
children, so that it ends those too that left the session. What to start it is told in one JSON line; it says
in one that the command was started, and in another how it ended.

Nothing but the standard library is used: it is there in no time.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 3.0
_LEFT_TIMEOUT_S = 5.0


def main() -> None:
    """Run one command to its end, or until standard input ends."""
    job = json.loads(sys.stdin.buffer.readline())
    _adopt_orphans()
    with Path(job["stdout"]).open("wb") as out, Path(job["stderr"]).open("wb") as err:
        try:
            process = subprocess.Popen(  # noqa: S603 (the person who wrote the file asked for this command)
                job["command"],
                cwd=job["cwd"],
                env=job["env"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            _say({"failed": getattr(error, "strerror", None) or str(error)})
            return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Whoever wants it gone closes its input. Only from here on: the command would inherit it.
        signal.signal(number, signal.SIG_IGN)
    _say({"started": process.pid})
    over = threading.Event()
    ending = threading.Thread(target=_end_with_owner, args=(process.pid, over))
    ending.start()
    if hasattr(os, "waitid"):
        # Not `wait`, which would take the exit status and free the pid while it may still be used to kill.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()
    over.set()
    _kill(process.pid, signal.SIGKILL)
    status = process.wait()
    _end_orphans()
    _say({"status": status})
    os._exit(0)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_owner(group: int, over: threading.Event) -> None:
    sys.stdin.buffer.read()
    if not over.is_set():
        _kill(group, signal.SIGTERM)
        if not over.wait(_GRACE_S):
            _kill(group, signal.SIGKILL)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_orphans() -> None:
    """End what the command left behind outside its session, generation by generation."""
    deadline = time.monotonic() + _LEFT_TIMEOUT_S
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while time.monotonic() < deadline:
        try:
            orphans = [int(pid) for pid in children.read_text().split()]
        except OSError:
            return
        if not orphans:
            return
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _say(line: dict[str, object]) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
