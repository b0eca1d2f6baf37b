"""A watch over an external engine at work: how far it is, and the last whole state of its blackboard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from harness.engines.external.description import ExternalDescription
from harness.engines.external.output import blackboard_bytes, find_blackboard, find_output
from harness.engines.external.private_copy import PrivateCopy

__all__ = ["Watch"]

_EVERY_S = 1.0


@dataclass(slots=True)
class Watch:
    """Looks at the engine's blackboard every second.

    The engine writes it as it likes: what is read half-written is left, and looked at again.
    """

    description: ExternalDescription
    copy: PrivateCopy
    calls: Callable[[], Awaitable[str]]
    """How the conversation with the model stands, in words."""
    on_progress: Callable[[str], None]
    last_whole: bytes | None = None
    _seen: tuple[int, int] | None = None
    _told: str = ""

    async def keep(self) -> None:
        """Watch until cancelled."""
        while True:
            said = [await self.calls(), await asyncio.to_thread(self.look)]
            self.on_progress("; ".join(part for part in said if part))
            await asyncio.sleep(_EVERY_S)

    def look(self) -> str:
        """Read the blackboard where it changed; what it tells of the engine's progress, in words."""
        try:
            output = find_output(self.copy, self.description.output)
            path = find_blackboard(self.copy, output, self.description.blackboard)
            state = path.stat() if path else None
        except OSError:
            # What is being written can be gone in the next moment.
            return self._told
        if path is None or state is None or (state.st_mtime_ns, state.st_size) == self._seen:
            return self._told
        content = blackboard_bytes(path)
        if content is not None:
            self._seen = state.st_mtime_ns, state.st_size
            self.last_whole = content
            self._told = _told(json.loads(content))
        return self._told


def _told(board: dict[str, object]) -> str:
    counts = {name: board.get(key) for name, key in (("modules", "modules"), ("files", "files_created"))}
    return ", ".join(
        f"{len(value)} {name}" for name, value in counts.items() if isinstance(value, dict | list)
    )
