"""The delivery of a build: its files in the folder where they were wanted, all of them or none."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from harness.errors import BadInputError, SurroundingsError

__all__ = ["check_output", "deliver"]


def check_output(output: Path) -> None:
    """Raise `BadInputError` where `output` cannot be made, or holds something already."""
    if output.is_dir() and not any(output.iterdir()):
        return
    if output.exists():
        raise BadInputError(f"{output}: is there already and not overwritten; name another (--output)")
    parent = output.absolute().parent
    if not parent.is_dir():
        raise BadInputError(f"{output}: {parent} is no folder; make it first, or name another (--output)")


def deliver(files: Path, output: Path, blackboard: Path | None = None) -> None:
    """Copy the folder `files` to `output`, and `blackboard`, where there is one, beside what is in it.

    Raises `SurroundingsError` where that cannot be written.
    """
    staging = output.absolute().with_name(f".{output.name}.{secrets.token_hex(6)}.tmp")
    try:
        shutil.copytree(files, staging, symlinks=True)
        if blackboard is not None and blackboard.is_file():
            shutil.copyfile(blackboard, staging / "blackboard.json")
        staging.replace(output.absolute())
    except OSError as error:
        raise SurroundingsError(
            f"{output}: cannot be written: {error.strerror or error}; what was built is in {files}"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
