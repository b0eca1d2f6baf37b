"""The migration harness: runs both engines on the same specs, compares what they did, and judges."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

__all__ = ["deferred_exports"]


def deferred_exports(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """The `__getattr__` of a package that loads what it exports when it is asked for, and not before.

    `homes` says which of its modules has which names. None of these may be the name of a module in it: that
    would be found in its place once it is loaded.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
