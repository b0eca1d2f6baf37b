"""The output of an external engine: which folder is the result, and where the blackboard is in it."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from harness.engines.external.private_copy import PrivateCopy, below

__all__ = ["blackboard_bytes", "collect_blackboard", "collect_files", "find_blackboard", "find_output"]


def find_output(copy: PrivateCopy, pattern: str) -> str | None:
    """The newest folder that `pattern` fits, relative to the working directory; None where there is none.

    One that appeared during the run comes before one that was there and in which something was written.
    """
    found = _folders(copy.root, pattern)
    candidates = [entry for entry in found if entry[0] not in copy.folders and entry[0] != "."] or [
        entry for entry in found if _new_files(copy, entry[0])
    ]
    newest = max(candidates, key=_age, default=None)
    return newest[0] if newest else None


def find_blackboard(copy: PrivateCopy, output: str | None, places: Sequence[str]) -> Path | None:
    """The first of `places` at which this run wrote: in the output, or else in the working directory."""
    for folder in dict.fromkeys([output or ".", "."]):
        for place in places:
            path = copy.root / folder / place
            if _is_ours(copy, path):
                return path
    return None


def collect_files(copy: PrivateCopy, output: str, ignored: Sequence[str], target: Path) -> None:
    """Move what this run wrote into `output` to `target`, an empty folder."""
    for path in _new_files(copy, output, ignored):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        moved = (copy.root / output / path).replace(target / path)
        # One that its own maker may not read is still to be compared.
        moved.chmod(moved.stat().st_mode | stat.S_IRUSR)


def collect_blackboard(board: Path, target: Path) -> None:
    """Move a blackboard to `target`."""
    board.replace(target)


def blackboard_bytes(path: Path) -> bytes | None:
    """The content of a blackboard that is whole; None while it is half-written, or gone."""
    try:
        content = path.read_bytes()
        return content if isinstance(json.loads(content), dict) else None
    except (OSError, ValueError, RecursionError):
        return None


def _folders(root: Path, pattern: str) -> list[tuple[str, Path]]:
    found = [root] if PurePosixPath(pattern) == PurePosixPath() else sorted(root.glob(pattern))
    return [
        (path.relative_to(root).as_posix(), path)
        for path in found
        if path.is_dir() and path.resolve().is_relative_to(root.resolve())
    ]


def _age(entry: tuple[str, Path]) -> tuple[int, str]:
    """What is newer is greater; the name decides where the clock is too coarse."""
    return entry[1].stat().st_mtime_ns, entry[0]


def _new_files(copy: PrivateCopy, output: str, ignored: Sequence[str] = ()) -> list[str]:
    """The regular files in `output`, relative to it, that this run wrote."""
    base = "" if output == "." else f"{output}/"
    return [
        path
        for path, entry in below(copy.root / output, ignored)
        if entry.is_file(follow_symlinks=False) and copy.is_new(f"{base}{path}")
    ]


def _is_ours(copy: PrivateCopy, path: Path) -> bool:
    """Whether `path` is a file of this run: written in it, and no link that leads out of it."""
    root = copy.root.resolve()
    if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(root):
        return False
    return copy.is_new(path.relative_to(copy.root).as_posix())
