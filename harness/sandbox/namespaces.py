"""Linux namespaces, made by a script of our own: nothing has to be installed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from harness.sandbox.view import KEEPER_PYTHON, NOBODY, SCRIPTS, View

__all__ = ["Namespaces", "switched_off"]

_SWITCHES = {
    Path("/proc/sys/user/max_user_namespaces"): ("0", "allows no user namespaces"),
    Path("/proc/sys/kernel/unprivileged_userns_clone"): ("0", "allows them to root only"),
    Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"): ("1", "lets AppArmor take their rights"),
}


class Namespaces:
    """A wall of user, mount, process, network, IPC, host name and cgroup namespaces."""

    @property
    def name(self) -> str:
        """What people call it."""
        return "namespaces"

    def missing(self) -> str | None:
        """Nothing but the kernel is needed."""
        return None if sys.platform == "linux" else f"there are none on {sys.platform}"

    def keeper(self, view: View) -> tuple[str, ...]:
        """The command line that runs the keeper behind it.

        Whoever is root is nobody inside, also in the eyes of the kernel: root's files and the settings of the
        machine would be root's to write even without any capability.
        """
        plan = {
            "binds": view.binds,
            "links": view.links,
            "folders": view.folders,
            "user": NOBODY,
            "as_root": os.geteuid() == 0,
        }
        return (str(KEEPER_PYTHON), "-I", "-S", str(SCRIPTS / "enter.py"), json.dumps(plan))


def switched_off() -> str | None:
    """The setting of the kernel that forbids namespaces, if there is one."""
    for path, (value, meaning) in _SWITCHES.items():
        try:
            if path.read_text().strip() == value:
                return f"{path} is {value}, which {meaning}"
        except OSError:
            continue
    return None
