"""The blackboard of the legacy engine: one JSON document, rewritten whole at every step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, document

__all__ = ["JsonBlackboard"]


class JsonBlackboard:
    """`blackboard.json` of one project."""

    def __init__(self, path: Path, info: ProjectInfo) -> None:
        self._path = path
        self._info = info
        self._entries: list[Entry] = []
        self._save()

    @property
    def document(self) -> dict[str, object]:
        """What is in the file."""
        return document(self._info, self._entries)

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add `entries` and rewrite the file; `files` are beside it."""
        self._entries.extend(entries)
        self._save()

    def finish(self, status: ProjectStatus) -> None:
        """Set the final status and rewrite the file."""
        self._info = replace(self._info, status=status)
        self._save()

    def _save(self) -> None:
        # In place, not through a temporary file: the control keeps the behaviour that is measured against.
        text = json.dumps(self.document, indent=2, ensure_ascii=False)
        self._path.write_text(text + "\n", encoding="utf-8")
