"""What all tests share: property tests draw the same examples in every run, and bytecode is kept.

`--hypothesis-profile explore` draws new ones, for whoever looks for what is not found yet.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")

if sys.dont_write_bytecode:
    # The tests start hundreds of processes. Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each
    # compiles all that it imports: half of a run's processor time. It is kept where Python looks for that
    # of the installed packages, which uv has compiled: in a place of its own all would be compiled again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts so what it leaves in the background, and every process that a test starts would inherit
    # it: those that are stopped as Ctrl-C does would go on.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Collecting thousands of tests leaves no garbage; looking for it takes a quarter of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage again, but not among what lives until the end."""
    gc.freeze()
    gc.enable()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have what is told of reruns sent at once.

    A worker tells the controller of each test in two small messages and then waits for an answer. Nagle's
    algorithm holds the second until the first is acknowledged, which takes 40 ms: minutes over all tests.
    """
    connection = getattr(getattr(session.config, "failures_db", None), "sock", None)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.fixture
def forked_processes() -> Iterator[None]:
    """Gateways and engines are forked, for tests of what comes of them and not of how they start and end."""
    from tests.end_to_end.forked_processes import forking

    with forking():
        yield
