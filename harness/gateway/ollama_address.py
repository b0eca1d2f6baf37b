"""The address of an Ollama, and of several with the slots of each."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.gateway.errors import UnknownModelChoice

__all__ = ["HostAddress", "host_addresses", "names_hosts", "ollama_url"]

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OLLAMA_PORT = 11434
_SLOTS = re.compile(r"[1-9][0-9]{0,5}")
_IN_NO_ADDRESS = re.compile(r"[\s#@?]")
_EXAMPLE = "ollama:http://a:11434#4,http://b:11434#2"


@dataclass(frozen=True, slots=True)
class HostAddress:
    """One of several hosts: its URL, and how many calls at once it takes where that was said."""

    url: str
    slots: int | None


def names_hosts(text: str) -> bool:
    """Whether `text` names several hosts, or the slots of one."""
    return "," in text or "#" in text


def host_addresses(text: str) -> tuple[HostAddress, ...]:
    """The hosts in `URL#SLOTS,URL#SLOTS`, of which each `#SLOTS` may be left out.

    Raises `UnknownModelChoice` for what names none, or one of them twice.
    """
    found: dict[str, HostAddress] = {}
    for part in text.split(","):
        address = _host_address(part.strip(), text)
        if address.url in found:
            raise UnknownModelChoice(
                f"{text!r} names {address.url} twice: name it once, with its slots behind it "
                f"({address.url}#4)"
            )
        found[address.url] = address
    return tuple(found.values())


def _host_address(part: str, text: str) -> HostAddress:
    where, hash_, slots = part.partition("#")
    if not where:
        raise UnknownModelChoice(f"{text!r} leaves an address out: say {_EXAMPLE}")
    if hash_ and not _SLOTS.fullmatch(slots):
        raise UnknownModelChoice(
            f"{part!r}: behind # stands how many calls at once that host takes, from 1: say {_EXAMPLE}"
        )
    if _IN_NO_ADDRESS.search(where):
        raise UnknownModelChoice(f"{part!r} is no address of an Ollama: say {_EXAMPLE}")
    try:
        url = ollama_url(where)
    except UnknownModelChoice as problem:
        raise UnknownModelChoice(f"{problem}: say {_EXAMPLE}") from problem
    return HostAddress(url, int(slots) if slots else None)


def ollama_url(host: str | None) -> str:
    """The URL that a value of `OLLAMA_HOST` means, read as Ollama's own clients read it.

    An address that means every interface to a server means this machine to a client.
    """
    scheme, separator, rest = (host or "").strip().partition("://")
    if not separator:
        scheme, rest = "http", scheme
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        named, port = parts.hostname or _DEFAULT_HOST, parts.port
    except ValueError as problem:
        raise UnknownModelChoice(f"{host!r} is no address of an Ollama: {problem}") from problem
    if scheme not in _DEFAULT_PORTS:
        raise UnknownModelChoice(f"{host!r} is no address of an Ollama: it is reached by http or https")
    if port is None:
        port = _DEFAULT_PORTS[scheme] if separator else _OLLAMA_PORT
    path = parts.path.strip("/")
    return f"{scheme}://{_host(named)}:{port}" + (f"/{path}" if path else "")


def _host(name: str) -> str:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    if address.is_unspecified:
        return _DEFAULT_HOST if address.version == 4 else "[::1]"
    return f"[{address}]" if address.version == 6 else str(address)
