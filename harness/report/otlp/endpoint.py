"""The endpoint of a collector, where spans are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from harness.errors import BadInputError

__all__ = ["Endpoint"]

_PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a collector takes spans."""

    url: str
    shown: str
    """The URL as people may read it: without a password."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """The endpoint at `url`, which may leave out /v1/traces; `BadInputError` where it is none."""
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            # What is wrong with it is not known, so neither is where a password stands in it.
            raise BadInputError("--otlp: not a URL of a collector; give one such as http://localhost:4318")
        path = parts.path.rstrip("/")
        parts = parts._replace(path=path if path.endswith(_PATH) else path + _PATH, fragment="")
        host = parts.netloc.rpartition("@")[2]
        return cls(parts.geturl(), parts._replace(netloc=host, query="").geturl())
