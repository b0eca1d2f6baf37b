"""Network namespaces, each a machine with an address of its own: a hub, and spokes that reach the hub alone.

with network(spokes=2) as net:
    enter(net.spokes[0])
    net.cut(net.spokes[0])
    net.restore(net.spokes[0])
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Network", "enter", "network", "why_none"]

_CLONE_NEWNET = 0x40000000
_SPACES = Path("/run/netns")
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Network:
    """The names of the namespaces, and the address of the hub, which all spokes reach."""

    hub: str
    spokes: tuple[str, ...]
    address: str = "10.213.0.1"

    def cut(self, spoke: str) -> None:
        """Pull the cable of `spoke`: whatever is sent is lost, and nobody is told."""
        self._plug(spoke, "down")

    def restore(self, spoke: str) -> None:
        """Put it back."""
        self._plug(spoke, "up")

    def _plug(self, spoke: str, state: str) -> None:
        _ip("-n", self.hub, "link", "set", f"to{self.spokes.index(spoke)}", state)


def why_none() -> str | None:
    """Why there can be no namespaces here; None where there can."""
    if sys.platform != "linux":
        return "network namespaces are a thing of Linux"
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2) to make network namespaces with"
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    try:
        with network(spokes=1):
            return None
    except RuntimeError as error:
        return f"network namespaces cannot be made here: {error}"


@contextmanager
def network(spokes: int) -> Iterator[Network]:
    """A hub and so many spokes, gone at the end of the block; `RuntimeError` where they cannot be had."""
    mark = secrets.token_hex(3)
    net = Network(f"hx{mark}-hub", tuple(f"hx{mark}-{number}" for number in range(spokes)))
    made = []
    try:
        for name in (net.hub, *net.spokes):
            _ip("netns", "add", name)
            made.append(name)
            _ip("-n", name, "link", "set", "lo", "up")
        # Not the address of a cable: it stays while that is cut.
        _ip("-n", net.hub, "address", "add", f"{net.address}/32", "dev", "lo")
        for number, spoke in enumerate(net.spokes):
            _connect(net, number, spoke)
        yield net
    finally:
        for name in made:
            _ip("netns", "delete", name)


def _connect(net: Network, number: int, spoke: str) -> None:
    cable, gate = f"to{number}", f"10.213.{number + 1}.1"
    _ip(*("link", "add", cable, "netns", net.hub, "type", "veth", "peer", "name", "up0", "netns", spoke))
    _ip("-n", net.hub, "address", "add", f"{gate}/24", "dev", cable)
    _ip("-n", net.hub, "link", "set", cable, "up")
    _ip("-n", spoke, "address", "add", f"10.213.{number + 1}.2/24", "dev", "up0")
    _ip("-n", spoke, "link", "set", "up0", "up")
    _ip("-n", spoke, "route", "add", "default", "via", gate)


def enter(name: str) -> None:
    """Move the calling thread, and all that it starts, into the namespace of this name."""
    space = os.open(_SPACES / name, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(space, _CLONE_NEWNET):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), name)
    finally:
        os.close(space)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
