"""The address of the model: what `OLLAMA_HOST` says, read as the `ollama` client reads it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

__all__ = ["OllamaHost"]

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class OllamaHost:
    """Where an Ollama is: scheme, host and port, and what stands before every path of its API."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str | None) -> OllamaHost:
        """What `text` names; everything may be left out. Raises `ValueError` for a port that is none."""
        scheme, _, address = (text or "").partition("://")
        if not address:
            scheme, address = "http", text or ""
            port = _DEFAULT_PORT
        else:
            port = _PORTS.get(scheme, _DEFAULT_PORT)
        found = urlsplit(f"{scheme}://{address}")
        host = found.hostname or _DEFAULT_HOST
        path = found.path.strip("/")
        return cls(scheme, host, found.port or port, f"/{path}" if path else "")

    @property
    def url(self) -> str:
        """The URL before the paths of the API, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def proxy(self) -> str | None:
        """The proxy that the environment asks for on the way there."""
        proxies = getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(self.host) or proxy_bypass(f"{self.host}:{self.port}"):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"
