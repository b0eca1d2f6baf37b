"""The guard of an embedded Redis server: a script that ties the server's life to its owner's.

    python -I -S redis_guard.py OWNER_PID SERVER [ARGUMENT ...]     become the server (Linux)
    python -I -S redis_guard.py pipe SERVER [ARGUMENT ...]          stay beside the server (anywhere)

With a pid, the kernel is asked to kill this process when the thread that started it exits, and the
process then becomes the server. With `pipe`, the server is a child, stopped when standard input, of which
only the owner holds the other end, closes. Nothing of the project is imported: the guard runs alone.
"""

from __future__ import annotations

import os
import sys

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_GRACE_S = 3.0
"""How long the server may take to go after SIGTERM; less than the owner waits for the guard."""


def become(owner: int, command: list[str]) -> None:
    """Turn this process into the server, to be killed with the owner."""
    # Both paths import what they need themselves: this one is on the clock of every start.
    import ctypes

    # SIGKILL, because SIGTERM waits for whatever script or command the server is busy with. What was
    # acknowledged is in the append-only file by then.
    libc = ctypes.CDLL(None, use_errno=True)
    request = (ctypes.c_ulong(number) for number in (_SIGKILL, 0, 0, 0))
    if libc.prctl(_PR_SET_PDEATHSIG, *request) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    # An owner that died before the request was made sends no signal any more.
    if os.getppid() != owner:
        sys.exit(f"the owner (pid {owner}) is gone")
    try:
        os.execv(command[0], command)  # noqa: S606  a list, no shell
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


def watch(command: list[str]) -> int:
    """Run the server as a child until it exits, standard input closes or a signal says stop."""
    import select
    import signal
    import subprocess

    stop_signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    for number in (*stop_signals, signal.SIGCHLD):
        # Must be a handler, not SIG_IGN: only handled signals reach the wake-up pipe.
        signal.signal(number, lambda *_: None)
    try:
        # The inherited locks go on to the server; everything Python opened is closed on exec anyway.
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")
    owner = sys.stdin.fileno()
    while server.poll() is None:
        readable, _, _ = select.select([owner, wake], [], [])
        # The owner never writes: a readable pipe is a closed one.
        if owner in readable or stop_signals.intersection(os.read(wake, 64)):
            server.terminate()
            try:
                server.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    status = server.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    tie, *server_command = sys.argv[1:]
    if tie == "pipe":
        sys.exit(watch(server_command))
    become(int(tie), server_command)
