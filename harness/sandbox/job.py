"""A job for a sandbox: a command with its files, its input and what it may use; and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

__all__ = ["PROJECT", "Ended", "Limit", "Limits", "SandboxJob"]

PROJECT = "/project"
"""The folder in which a command works and finds its files; as it sees it."""

_MB = 1 << 20


class Limit(StrEnum):
    """What a command that was cut off had too much of."""

    TIME = "time"
    CPU = "cpu"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"
    KEEPER = "keeper"
    """Not its own: its keeper was ended from outside, as happens where the machine runs out of memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much all that runs in a sandbox may use; bytes, and seconds where the name ends in `_s`."""

    wall_s: float = 60.0
    cpu_s: int = 30
    """Of each process."""
    memory: int = 1024 * _MB
    """Of all together, and the address space of each."""
    processes: int = 128
    """Threads count as well, where the kernel counts."""
    open_files: int = 256
    file_size: int = 32 * _MB
    disk: int = 128 * _MB
    """Of the project's folder, and of `/tmp`; both are in memory and gone in the end."""
    output: int = 16 * _MB
    """Of what it writes to standard output, and to standard error."""


@dataclass(frozen=True, slots=True)
class SandboxJob:
    """What is to be run in a sandbox. Its environment is `env` and nothing else."""

    command: tuple[str, ...]
    """The first part is the path of a program, as it is seen inside."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in the project's folder, by relative path; a copy."""
    shown: tuple[Path, ...] = ()
    """Folders that are to be seen inside, at the same place, and not to be changed."""
    env: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    """Its standard input."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    exit_code: int | None
    """Below zero: the signal that ended it. None where it was cut off."""
    limit: Limit | None
    """What it had too much of; None where it ended by itself."""
    stdout: bytes
    stderr: bytes
