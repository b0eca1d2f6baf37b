"""The workspace: the folder that a build writes its files to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

__all__ = ["Workspace", "new_project_dir", "replace_file"]

_PARTIAL = ".partial"
"""How the name of a file ends that is not yet whole; what is generated never begins with a dot."""


class Workspace:
    """The project folder of one build."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def write(self, files: Mapping[str, str]) -> None:
        """Write `files`, contents by relative path; each is there whole or not at all."""
        if files:
            await asyncio.to_thread(self._write, files)

    async def restore(self, files: Mapping[str, str]) -> None:
        """Write `files`, as a process that was killed should have left them, and clear away what it left."""
        await asyncio.to_thread(self._clear)
        await self.write(files)

    def _clear(self) -> None:
        for path in self.root.rglob(f".*{_PARTIAL}"):
            path.unlink(missing_ok=True)

    def _write(self, files: Mapping[str, str]) -> None:
        for path, content in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, content)


def replace_file(path: Path, text: str) -> None:
    """Write `text` to `path` through a temporary name, so that nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def new_project_dir(output: Path) -> Path:
    """A new folder `project_<date>_<time>` in `output`; a number is added where the name is taken."""
    name = f"project_{datetime.now().strftime('%Y%m%d_%H%M%S')}"
    number = 1
    while True:
        project_dir = output / (name if number == 1 else f"{name}_{number}")
        try:
            project_dir.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return project_dir
