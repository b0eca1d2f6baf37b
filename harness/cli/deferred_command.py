"""A command that is loaded when it is wanted: its name and what it is for are known before.

Most of what takes time at the start of a process is loading libraries, and each command has others.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group

__all__ = ["DeferredCommand", "announce", "loading"]


class DeferredCommand(TyperCommand):
    """A command in the list of all, in place of the one that `harness.cli.<name>` has under its name."""

    # The types are of the click that typer brings, or of click itself, as typer's version has it.
    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which then takes over: runs, shows its help, or completes."""
        command = self.loaded()
        if not gc.isenabled():
            # What is loaded stays, and is not looked through again.
            gc.freeze()
            gc.enable()
        return command.make_context(info_name, args, parent, **extra)

    def loaded(self) -> Any:
        """The command itself."""
        name = self.name or ""
        found = getattr(import_module(f"harness.cli.{name}"), name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name=name)(found)
        return get_group(alone).commands[name]


@contextmanager
def loading() -> Iterator[None]:
    """A block in which a command loads what it has left for later: nothing of that is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def announce(app: typer.Typer, name: str, purpose: str) -> None:
    """Give `app` the command `name`, which is listed with `purpose` and loaded when it is wanted."""
    app.command(name=name, help=purpose, cls=DeferredCommand)(_in_its_own_file)


def _in_its_own_file() -> None:
    """Stands for the command, which takes over before this could be called."""
