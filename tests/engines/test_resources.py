"""What an engine's process says that it used."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from harness.engines.resources import ResourceMeter


def test_what_is_left_open_is_counted_and_what_was_open_before_is_not(tmp_path: Path) -> None:
    before = socket.socket()
    meter = ResourceMeter()
    meter.begin()
    left, closed = socket.socket(), socket.socket()
    meter.sample()
    closed.close()
    with (tmp_path / "log").open("w"):
        used = meter.end()
    left.close()
    before.close()
    assert (used.open_sockets, used.open_files, used.peak_sockets) == (1, 1, 2)


def test_a_socket_with_the_number_of_one_from_before_is_another() -> None:
    """A number is given again as soon as it is free."""
    before = socket.socket()
    number = before.fileno()
    meter = ResourceMeter()
    meter.begin()
    before.close()
    left = socket.socket()
    assert left.fileno() == number
    assert meter.end().open_sockets == 1
    left.close()
    assert meter.end().open_sockets == 0


def test_processor_time_counts_from_the_begin() -> None:
    meter = ResourceMeter()
    _work(0.05)
    meter.begin()
    began_s = time.process_time()
    _work(0.02)
    used = meter.end()
    assert 0.02 <= used.cpu_s <= time.process_time() - began_s + 0.01
    assert used.peak_rss > 1_000_000
    assert used.starved_s is None or used.starved_s >= 0


def _work(cpu_s: float) -> None:
    until_s = time.process_time() + cpu_s
    while time.process_time() < until_s:
        pass
