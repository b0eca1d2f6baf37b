"""Watching the folders of projects: the files whose blackboards may have changed, as soon as they have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from pathlib import Path

from watchfiles import Change, awatch

__all__ = ["changed_paths"]

_STEP_MS = 5
"""How long nothing must have happened: half of it, on the average, is added to the lag of a mirror."""
_DEBOUNCE_MS = 50
"""After so long a change is told of even if more is coming."""
_TICK_MS = 250
"""So often the folders are looked for anew, and whoever watches has a look without being told of a change:
notifications can be lost, and some file systems send none."""


async def changed_paths(paths: Collection[Path], stop: asyncio.Event) -> AsyncGenerator[set[Path], None]:
    """Those of `paths` that may have changed, and now and then none of them, until `stop` is set.

    Neither the files nor their folders need to be there; folders may come and be replaced meanwhile.
    """
    wanted = {str(path) for path in paths}
    parents = {path.parent for path in paths}

    def is_wanted(_: Change, path: str) -> bool:
        return path in wanted

    while not stop.is_set():
        folders = _identities(parents)
        # What changes between this look and the beginning of the watch is found at the next tick.
        yield set()
        changes = awatch(
            *folders,
            watch_filter=is_wanted,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            stop_event=stop,
            recursive=False,
        )
        try:
            async with aclosing(changes):
                async for changed in changes:
                    yield {Path(path) for _, path in changed}
                    if _identities(parents) != folders:
                        break
        except OSError:
            # A folder has gone again, or the system has no more notifications to give: then ticks must do.
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_MS / 1000):
                    await stop.wait()


def _identities(folders: Collection[Path]) -> dict[Path, tuple[int, int]]:
    """The folders that are there, and which ones they are."""
    found = {}
    for folder in folders:
        with suppress(OSError):
            about = folder.stat()
            found[folder] = (about.st_dev, about.st_ino)
    return found
