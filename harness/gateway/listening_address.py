"""Where a gateway listens, as people say it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Address", "parse_address", "parse_host"]

_MOST = 65535
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 (turned down)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    def url(self, port: int) -> str:
        """The address in a URL, with the port that it came to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"


def parse_address(text: str) -> Address:
    """The address in `HOST:PORT` or `PORT` (then of the loopback interface); raises `ValueError`."""
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > _MOST or (colon and not host):
        raise ValueError(f"{text!r} is no address to listen on: say HOST:PORT, such as 127.0.0.1:11435")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def parse_host(text: str) -> Address:
    """The address in `HOST` or `HOST:PORT`, at which others can reach this machine; raises `ValueError`."""
    without_port = text.count(":") != 1 and not (text.startswith("[") and "]:" in text)
    wrong = f"{text!r} is no address: say HOST or HOST:PORT, such as 10.0.0.5 or 10.0.0.5:8434"
    try:
        found = Address(text.strip("[]"), 0) if without_port else parse_address(text)
    except ValueError as error:
        raise ValueError(wrong) from error
    if not found.host or any(letter.isspace() for letter in found.host):
        raise ValueError(wrong)
    if found.host in _ANY:
        raise ValueError(f"{text!r} is every address of this machine, and workers need one that they reach")
    return found
