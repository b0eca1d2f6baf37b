"""A blackboard as it lies in a file: one whole state of it, or why there is none to be had.

Engines rewrite the file in place, so that whoever reads it may catch a part of it. What is given out here is
a whole JSON object that stood in the file for two readings in a row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from harness.errors import BadInputError

__all__ = ["Board", "BoardBroken", "BoardContent", "BoardMissing", "board_text", "read_board", "read_content"]

_UNDER_WAY = frozenset(
    {
        "",
        "building",
        "in progress",
        "initialized",
        "initializing",
        "pending",
        "planning",
        "running",
        "started",
    }
)


class BoardMissing(BadInputError):
    """There is no such file."""


class BoardBroken(BadInputError):
    """The file is there, and what stands in it is not a whole JSON object, at least not now."""


@dataclass(frozen=True, slots=True)
class Board:
    """One whole state of a blackboard, and what is known of the file it stood in."""

    path: Path
    document: dict[str, object]
    sha256: str
    size: int
    mtime_ns: int

    @property
    def is_under_way(self) -> bool:
        """Whether its engine still builds, by `project_info.status`; an unknown word is an end."""
        info = self.document.get("project_info")
        status = info.get("status") if isinstance(info, Mapping) else None
        return not isinstance(status, str) or status.lower().strip().replace("_", " ") in _UNDER_WAY


@dataclass(frozen=True, slots=True)
class BoardContent:
    """The bytes that stood in a file for two readings in a row; nothing is known of what they mean."""

    path: Path
    content: bytes
    mtime_ns: int

    @property
    def sha256(self) -> str:
        """Their digest, in hexadecimal."""
        return sha256(self.content).hexdigest()

    def parsed(self) -> Board:
        """The state that they are; raises `BoardBroken` where they are none."""
        try:
            document = json.loads(self.content.decode())
        except UnicodeDecodeError as error:
            raise BoardBroken(f"{self.path}: is not UTF-8 text (byte {error.start})") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            problem = f"{error.msg}: {where}" if self.content.strip() else "it is empty"
            raise BoardBroken(f"{self.path}: is no whole JSON document: {problem}") from error
        except ValueError as error:
            raise BoardBroken(f"{self.path}: {error}") from error
        except RecursionError as error:
            raise BoardBroken(f"{self.path}: is nested too deep") from error
        if not isinstance(document, dict):
            raise BoardBroken(f"{self.path}: is no JSON object but a {type(document).__name__}")
        return Board(self.path, document, self.sha256, len(self.content), self.mtime_ns)


def read_content(path: Path) -> BoardContent:
    """What stands in the file; raises `BoardMissing`, or `BoardBroken` where it is being rewritten."""
    try:
        with path.open("rb") as file:
            mtime_ns = os.fstat(file.fileno()).st_mtime_ns
            content = file.read()
        # Half of one state and half of the next can be read as if they were one, but not twice.
        if path.read_bytes() != content:
            raise BoardBroken(f"{path}: is being rewritten")
    except FileNotFoundError as error:
        raise BoardMissing(f"{path}: there is no such file") from error
    except OSError as error:
        raise BoardBroken(f"{path}: cannot be read: {error.strerror}") from error
    return BoardContent(path, content, mtime_ns)


def read_board(path: Path) -> Board:
    """The state in the file; raises `BoardMissing` or `BoardBroken`."""
    return read_content(path).parsed()


def board_text(document: Mapping[str, object]) -> bytes:
    """`document` as the legacy engine writes it; what it could not, half a surrogate pair, escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return f"{text}\n".encode(errors="backslashreplace")
