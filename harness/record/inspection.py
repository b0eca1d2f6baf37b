"""What a run left behind, seen by the harness itself: its files, and what is not whole about them."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from agents.syntax import parsing
from harness.record.run_record import ExternalPlace, FileFacts, Leaves

__all__ = ["defects", "generated_files", "source_problems"]


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
            mode = stat.S_IMODE(path.stat().st_mode)
            facts = FileFacts(sha256=digest, size=len(content), mode=mode)
            found[_as_text(path.relative_to(project))] = facts
    return found


def defects(
    project: Path,
    files: dict[str, FileFacts],
    blackboard: dict[str, object] | None,
    leaves: Collection[Leaves] = tuple(Leaves),
    external: ExternalPlace | None = None,
) -> tuple[str, ...]:
    """What is not whole about a project that was called finished, one sentence each.

    Of what the engine does not leave nothing is missed; an external engine may list files as it saw them.
    """
    # An empty __init__.py is a package, all of it.
    found = [f"{path} is empty" for path, facts in files.items() if not facts.size and not _is_package(path)]
    sources = [path for path in files if path.endswith(".py")]
    if not sources:
        found.append("no Python file was generated")
    found += [problem for path in sources if files[path].size for problem in source_problems(project, path)]
    if blackboard is not None:
        listed = blackboard.get("files_created")
        found += [
            f"{path} is listed in the blackboard and missing"
            for path in (listed if isinstance(listed, list) else [])
            if not isinstance(path, str) or _within(path, external) not in files
        ]
    elif Leaves.BLACKBOARD in leaves:
        found.append("blackboard.json is missing or cannot be read")
    return tuple(found)


def _within(path: str, external: ExternalPlace | None) -> str:
    """A listed path relative to the project, however an external engine wrote it down."""
    if external is None:
        return path
    for folder in (external.workdir, external.output):
        path = path.removeprefix(f"{folder}/") if folder else path
    return posixpath.normpath(path)


def source_problems(project: Path, path: str) -> list[str]:
    """Why a source cannot be used; it is compiled and never run."""
    try:
        source = (project / path).read_bytes()
        with parsing():
            compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return [f"{path} does not compile: line {error.lineno}: {error.msg}"]
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return [f"{path} does not compile: {error or type(error).__name__}"]
    return [] if source.strip() or _is_package(path) else [f"{path} holds nothing but blank lines"]


def _is_package(path: str) -> bool:
    return PurePosixPath(path).name == "__init__.py"


def _as_text(path: Path) -> str:
    """`path` with `/`; bytes in it that are no text are escaped, so that it can be written down."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")
