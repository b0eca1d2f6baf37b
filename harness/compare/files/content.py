"""The content of files: which kind of file a path names, and what that kind tells of two texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath

from harness.compare.files.change import Change
from harness.compare.files.json_text import json_change
from harness.compare.files.markup import html_change, script_change
from harness.compare.files.python import python_change
from harness.compare.files.requirements import requirements_change
from harness.compare.mismatch import Severity

__all__ = ["change_of"]

_Reader = Callable[[str, str], Change | None]

# What is longer was hardly written by a model for a person, and takes seconds to parse.
_LONGEST = 1_000_000
_READERS: Mapping[str, _Reader] = {
    ".css": partial(script_change, "css"),
    ".htm": html_change,
    ".html": html_change,
    ".js": partial(script_change, "javascript"),
    ".json": json_change,
    ".mjs": partial(script_change, "javascript"),
    ".py": python_change,
}


def change_of(path: str, before: str, after: str) -> Change:
    """How `before` became `after`, which differ; by their text where nothing more can be told."""
    change = None
    if max(len(before), len(after)) <= _LONGEST:
        name = PurePosixPath(path)
        reader = requirements_change if name.name == "requirements.txt" else _READERS.get(name.suffix.lower())
        change = reader(before, after) if reader else None
    return change or Change(Severity.MAJOR)
