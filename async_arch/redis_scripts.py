"""The Lua scripts that write and read the state of a run, each in a file of `lua/`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import TypeAlias

import redis.asyncio
import redis.exceptions

__all__ = ["KEYS", "LEASE", "READ", "WRITE", "Answer", "Script"]

Reply: TypeAlias = "bytes | int | list[Reply] | None"


class Answer(StrEnum):
    """What became of an update, by the first word of the script's answer."""

    OK = "OK"
    AGAIN = "AGAIN"
    """It had been written before; only the answer was lost."""
    DONE = "DONE"
    """The effects of its task stand already."""
    FENCED = "FENCED"
    CONFLICT = "CONFLICT"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class Script:
    """One script, by the name of its file."""

    name: str

    @property
    def text(self) -> str:
        """The source."""
        return _source(self.name)

    @property
    def sha(self) -> str:
        """The name under which a server keeps it."""
        return _sha(self.name)

    async def run(self, client: redis.asyncio.Redis, key: str, *args: bytes | str) -> Reply:
        """Run it on `key`; a server that does not know it yet, or no longer, is told."""
        try:
            reply: Reply = await client.execute_command("EVALSHA", self.sha, 1, key, *args)  # type: ignore[no-untyped-call]
        except redis.exceptions.NoScriptError:
            reply = await client.execute_command("EVAL", self.text, 1, key, *args)  # type: ignore[no-untyped-call]
        return reply


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text(encoding="utf-8")


@cache
def _sha(name: str) -> str:
    # The name that the protocol gives a script, no matter of security.
    return sha1(_source(name).encode(), usedforsecurity=False).hexdigest()


WRITE = Script("write")
READ = Script("read")
KEYS = Script("keys")
LEASE = Script("lease")
