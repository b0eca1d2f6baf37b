"""A generated project as it is executed: its files, the one to start, and its tests."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from agents.source import imports
from agents.syntax import syntax_tree
from harness.record import RunRecord

__all__ = ["Project", "project_of"]

# In this order; what people and models call it.
_ENTRIES = ("main.py", "app.py", "run.py", "wsgi.py", "server.py", "application.py")


@dataclass(frozen=True, slots=True)
class Project:
    """What a run generated."""

    files: Mapping[str, bytes]
    trees: Mapping[str, ast.Module]
    """The sources that can be parsed, by path, in the order of their paths."""

    @property
    def entry(self) -> str | None:
        """The file to start; None where there is none that is known as one."""
        sources = [path for path in self.files if path.endswith(".py")]
        only = sources[0] if len(sources) == 1 else None
        return next((name for name in _ENTRIES if name in self.files), only)

    @property
    def tests(self) -> tuple[str, ...]:
        """The files that pytest takes for tests."""
        return tuple(
            path
            for path in self.files
            if (name := PurePosixPath(path).name).endswith(".py")
            and (name.startswith("test_") or name.endswith("_test.py"))
        )

    @property
    def foreign_imports(self) -> frozenset[str]:
        """The modules that it imports and that are neither its own nor Python's."""
        own = {part for path in self.trees for part in PurePosixPath(path).with_suffix("").parts}
        found = {imported.module for tree in self.trees.values() for imported in imports(tree)}
        return frozenset(found - own - sys.stdlib_module_names)


def project_of(record: RunRecord) -> Project:
    """The project that a run left; a file that cannot be read is left out."""
    files, trees = {}, {}
    for path in sorted(record.summary.files):
        try:
            files[path] = record.file(path)
        except OSError:
            continue
        if path.endswith(".py"):
            try:
                trees[path] = syntax_tree(files[path])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return Project(files, trees)
