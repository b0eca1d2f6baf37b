"""Hosts without a server behind them, for what is decided before a call is made."""

from __future__ import annotations

from typing import cast

from harness.gateway.hosts.host import Host
from harness.gateway.ollama_facts import OllamaFacts
from harness.gateway.upstream import Upstream


def made_host(name: str = "a", slots: int = 1, *, models: tuple[str, ...] = ("m:latest",)) -> Host:
    """A host that is in."""
    return Host(f"http://{name}", slots, cast(Upstream, None), OllamaFacts(version="1", models=models))
