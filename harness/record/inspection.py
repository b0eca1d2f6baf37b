"""What a run left behind, seen by the harness itself: its files, and what is not whole about them."""

from __future__ import annotations

import ast
import hashlib
import os
import warnings
from pathlib import Path

from harness.record.run_record import FileFacts

__all__ = ["defects", "generated_files"]


def generated_files(project: Path) -> dict[str, FileFacts]:
    """Every regular file below `project` by relative path; links and compiled files are left out."""
    found: dict[str, FileFacts] = {}
    for folder, folders, names in os.walk(project):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found[path.relative_to(project).as_posix()] = FileFacts(sha256=digest, size=len(content))
    return found


def defects(
    project: Path, files: dict[str, FileFacts], blackboard: dict[str, object] | None
) -> tuple[str, ...]:
    """What is not whole about a project that was called finished, one sentence each."""
    found = [f"{path} is empty" for path, facts in files.items() if not facts.size]
    if not any(path.endswith(".py") for path in files):
        found.append("no Python file was generated")
    found += [
        problem for path in files if path.endswith(".py") for problem in _syntax_problems(project, path)
    ]
    if blackboard is None:
        found.append("blackboard.json is missing or cannot be read")
    else:
        listed = blackboard.get("files_created")
        found += [
            f"{path} is listed in the blackboard and missing"
            for path in (listed if isinstance(listed, list) else [])
            if path not in files
        ]
    return tuple(found)


def _syntax_problems(project: Path, path: str) -> list[str]:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse((project / path).read_bytes(), filename=path)
    except SyntaxError as error:
        return [f"{path} does not compile: line {error.lineno}: {error.msg}"]
    except (ValueError, RecursionError, MemoryError) as error:
        return [f"{path} does not compile: {error or type(error).__name__}"]
    return []
