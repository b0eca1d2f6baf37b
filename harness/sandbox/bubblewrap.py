"""Bubblewrap, the program `bwrap`: namespaces made by what other sandboxes use and others look after."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from harness.sandbox.view import KEEPER_PYTHON, NOBODY, SCRIPTS, View

__all__ = ["Bubblewrap"]

_TIMEOUT_S = 10.0
_KEEPER = "/keeper"


class Bubblewrap:
    """A wall by `bwrap`, where that is installed."""

    @property
    def name(self) -> str:
        """What people call it, with its version."""
        return _version() or "bubblewrap"

    def missing(self) -> str | None:
        """Whether it is installed, and whether it can make whoever is here nobody.

        It cannot with root, and what is root's in the eyes of the kernel, the settings of the machine for
        one, can be written without any capability.
        """
        if shutil.which("bwrap") is None:
            return "bwrap is not on the PATH"
        return "root stays root behind it in the eyes of the kernel" if os.geteuid() == 0 else None

    def keeper(self, view: View) -> tuple[str, ...]:
        """The command line that runs the keeper behind it."""
        command = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user", "--disable-userns"]
        command += ["--die-with-parent", "--as-pid-1", "--new-session", "--hostname", "sandbox"]
        command += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL", "--dev", "/dev"]
        # First, as something that is to be seen may lie below one of them.
        for shown, size in view.folders.items():
            command += ["--perms", "0700", "--size", str(size), "--tmpfs", shown]
        for shown, real in {**view.binds, _KEEPER: str(SCRIPTS)}.items():
            command += ["--ro-bind", real, shown]
        for shown, target in view.links.items():
            command += ["--symlink", target, shown]
        command += ["--proc", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"]
        return (*command, "--", str(KEEPER_PYTHON), "-I", "-S", f"{_KEEPER}/keeper.py")


@cache
def _version() -> str | None:
    program = shutil.which("bwrap")
    if program is None:
        return None
    try:
        shown = subprocess.run(  # noqa: S603 (found on the PATH, with no input of others)
            [program, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return " ".join(shown.split()[:2])
