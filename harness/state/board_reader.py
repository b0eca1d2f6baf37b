"""The reader of one project's blackboard while its engine rewrites it: each whole state once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from harness.errors import BadInputError
from harness.state.board import Board, BoardBroken, BoardMissing, read_content
from harness.state.project import Project

__all__ = ["BoardReader"]


class BoardReader:
    """Reads the blackboard of a project again and again; `problem` says why there is no whole state now."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._seen: tuple[Path, int, int, int] | None = None
        self._sha256: str | None = None
        self.problem: str | None = None
        self.half_written = 0
        """How many readings found a file and no whole state in it."""

    async def look(self, *, told: bool) -> Board | None:
        """The state in the file, where it is whole and another than the last.

        A file that looks as it did is not read, unless somebody was `told` that it changed.
        """
        return await asyncio.to_thread(self._look, told)

    def _look(self, told: bool) -> Board | None:
        try:
            path = self._project.board
            if path is None:
                raise BoardMissing(f"{self._project.path}: has no blackboard")
            about = path.stat()
            seen = (path, about.st_ino, about.st_size, about.st_mtime_ns)
            if seen == self._seen and not told:
                return None
            self._seen = None
            content = read_content(path)
            self._seen = seen
            if content.sha256 == self._sha256:
                self.problem = None
                return None
            board = content.parsed()
        except (BoardMissing, FileNotFoundError):
            # It is not there yet, or is being replaced.
            self.problem = None
            return None
        except OSError as error:
            self.problem = f"{self._project.path}: cannot be read: {error.strerror}"
            return None
        except BadInputError as error:
            self.half_written += isinstance(error, BoardBroken)
            self.problem = str(error)
            return None
        self._sha256 = board.sha256
        self.problem = None
        return board
