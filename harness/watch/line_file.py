"""A file that grows by whole lines while somebody writes it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["LineFile"]


class LineFile:
    """The file at `path`. It may be replaced meanwhile; as many lines of the new one count as told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._line = 0
        """The number of lines of this very file before `_offset`."""
        self._seen = 0

    def fresh(self) -> list[tuple[int, bytes]]:
        """The lines that have come since the last time, each with its number from 1.

        One that is being written is left until it is whole. Nothing where there is no file (yet). Blocks.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            status = os.fstat(file.fileno())
            if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:
                self._file = status.st_dev, status.st_ino
                self._offset = self._line = 0
            file.seek(self._offset)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        # By newline only: text may hold other characters that Python takes for line ends.
        lines = list(enumerate(whole.split(b"\n")[:-1], start=self._line + 1))
        self._offset += len(whole)
        self._line += len(lines)
        fresh = [(number, line) for number, line in lines if number > self._seen]
        self._seen = max(self._seen, self._line)
        return fresh
