"""Writing a blackboard's file: whole or not at all, and what stood there before is kept."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import BadInputError, SurroundingsError
from harness.state.replaced import Replaced

__all__ = ["replace_board"]


def replace_board(path: Path, content: bytes, run: str, replaced: Replaced) -> Path | None:
    """Write `content` to `path`; returns where that is kept which stood there, None where nothing did.

    It keeps the file's rights. Raises `BadInputError` where somebody else writes the file just then, and
    `SurroundingsError` where it cannot be written: either way nothing was changed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        before = path.read_bytes() if path.exists() else None
        kept = replaced.keep(run, before) if before is not None else None
        temporary.write_bytes(content)
        if before is not None:
            temporary.chmod(path.stat().st_mode)
            if path.read_bytes() != before:
                raise BadInputError(f"{path}: is being rewritten by somebody else; it was left as it is")
        temporary.replace(path)
    except OSError as error:
        raise SurroundingsError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return kept
