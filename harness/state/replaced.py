"""The folder `replaced/` of a store: what a repair or an export put something else in the place of."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from harness.errors import SurroundingsError
from harness.state.project import safe_name

__all__ = ["Replaced"]


class Replaced:
    """Keeps what is about to be overwritten; a file in it is never written again."""

    def __init__(self, store: Path) -> None:
        self._root = store.absolute() / "replaced"

    def keep(self, run: str, content: bytes, suffix: str = ".json") -> Path:
        """Write `content` down; returns where. Raises `SurroundingsError` where that cannot be done."""
        name = f"{safe_name(run)}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            for number in count(1):
                path = self._root / f"{name}{'' if number == 1 else f'-{number}'}{suffix}"
                with suppress(FileExistsError), path.open("xb") as file:
                    file.write(content)
                    return path
        except OSError as error:
            raise SurroundingsError(f"{self._root}: cannot be written: {error.strerror}") from error
        raise AssertionError("unreachable")
