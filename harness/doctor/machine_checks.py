"""What is looked at on this machine: disk, cores, sandbox, and proxies in the way."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from harness.doctor.finding import Finding, Level
from harness.sandbox import SandboxUnavailable, find_sandbox

__all__ = ["check_cores", "check_disk", "check_proxies", "check_sandbox"]

_MB = 1_000_000
_LITTLE_DISK = 1000 * _MB
_NO_DISK = 50 * _MB
"""A comparison keeps some megabytes, an embedded Redis as many."""
_LOOPBACK = ("127.0.0.1", "localhost")


def check_disk(store: Path) -> Finding:
    """Room where runs are kept."""
    place = next(path for path in (store.absolute(), *store.absolute().parents) if path.exists())
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding(name="disk", level=Level.WARNING, sentence=f"{place}: not known: {error.strerror}")
    sentence = f"{free / 1e9:.1f} GB free for {store}"
    if not os.access(place, os.W_OK):
        return Finding(
            name="disk",
            level=Level.PROBLEM,
            sentence=f"{place} cannot be written to, and runs are kept there",
            help="name another folder with --store",
        )
    if free >= _LITTLE_DISK:
        return Finding(name="disk", level=Level.OK, sentence=sentence)
    return Finding(
        name="disk",
        level=Level.PROBLEM if free < _NO_DISK else Level.WARNING,
        sentence=sentence,
        help="remove old runs: harness runs prune --keep 10",
    )


def check_cores() -> Finding:
    """Processors for the engines, the gateway and Redis beside each other."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores > 1:
        return Finding(name="cores", level=Level.OK, sentence=f"{cores} cores")
    return Finding(
        name="cores",
        level=Level.WARNING,
        sentence="1 core, which engine, gateway and Redis share",
        help="times of fast models are those of this machine then; nothing else should run beside",
    )


async def check_sandbox() -> Finding:
    """Whether generated code can be executed."""
    try:
        sandbox = await find_sandbox()
    except SandboxUnavailable as error:
        return Finding(
            name="sandbox",
            level=Level.WARNING,
            sentence=f"none for --execute: {error}",
            help="compare without --execute, or allow user namespaces",
        )
    return Finding(name="sandbox", level=Level.OK, sentence=f"--execute can have one: {sandbox.name}")


def check_proxies() -> Finding:
    """Whether a proxy in the environment comes between a client and this machine's own addresses."""
    proxies = sorted(name for name in urllib.request.getproxies_environment() if name != "no")
    bypassed = [host for host in _LOOPBACK if urllib.request.proxy_bypass(host)]
    if not proxies:
        return Finding(name="proxies", level=Level.OK, sentence="no proxy in the environment")
    named = ", ".join(_variables(proxies))
    if len(bypassed) == len(_LOOPBACK):
        return Finding(
            name="proxies", level=Level.OK, sentence=f"{named} set, and NO_PROXY leaves this machine out"
        )
    return Finding(
        name="proxies",
        level=Level.WARNING,
        sentence=f"{named} set, and NO_PROXY does not leave 127.0.0.1 and localhost out: what is started by "
        "hand (harness gateway, python -m legacy.factory_boss) would ask the proxy for them; engines that "
        "the harness starts are told not to",
        help="export NO_PROXY=127.0.0.1,localhost",
    )


def _variables(proxies: list[str]) -> Iterator[str]:
    for proxy in proxies:
        upper = f"{proxy.upper()}_PROXY"
        yield upper if upper in os.environ else upper.lower()
