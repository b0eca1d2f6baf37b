"""What a person chooses, on pytest's command line or in its ini-file, whose names have `_` for `-`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from harness.spec import Spec

__all__ = ["NO_SPEC", "Choices", "GivenSpec", "add_options", "chosen", "given_specs"]

T = TypeVar("T", int, float)

_SPEC = "harness_spec"

NO_SPEC = "no spec is given: use --harness-spec PATH, or harness_spec in the ini-file"
"""Why a test that needs a spec is skipped."""


@dataclass(frozen=True, slots=True)
class GivenSpec:
    """A spec, and the file or folder that was given."""

    path: Path
    spec: Spec


@dataclass(frozen=True, slots=True)
class Choices:
    """How engines are compared; what is None is as `harness compare` has it."""

    control: str = "legacy"
    candidate: str = "async"
    model: str = "auto"
    repeat: int = 1
    slots: int = 4
    redis: str = "embedded"
    store: Path = Path(".harness")
    ttft: float | None = None
    """Seconds to the simulated model's first token."""
    tokens_per_second: float | None = None
    """The speed of one call to the simulated model."""


def _number(kind: type[T], least: T) -> Callable[[str], T]:
    def parse(text: str) -> T:
        what = "a whole number" if kind is int else "a number"
        try:
            number = kind(text)
        except ValueError as error:
            raise ArgumentTypeError(f"must be {what}, not {text!r}") from error
        if not number >= least:
            raise ArgumentTypeError(f"must be {what} of at least {least}, not {text!r}")
        return number

    return parse


_OPTIONS: dict[str, tuple[Callable[[str], object], str]] = {
    "control": (str, "engine that is the measure (legacy)"),
    "candidate": (str, "engine that is judged (async)"),
    "model": (str, "model, as for harness compare (auto)"),
    "repeat": (_number(int, 1), "pairs of runs (1)"),
    "slots": (_number(int, 1), "calls the model answers at once (4)"),
    "redis": (str, "embedded, or redis://host:port/db (embedded)"),
    "store": (Path, "folder in which runs are kept (.harness)"),
    "ttft": (_number(float, 0.0), "simulated model: seconds to the first token"),
    "tokens_per_second": (_number(float, 0.1), "simulated model: speed of one call"),
}


def add_options(parser: pytest.Parser) -> None:
    """Add every option, and its like for the ini-file."""
    group = parser.getgroup("harness", "AgentFactory migration harness")
    about = "spec file, or folder of them, on which engines are compared; may be repeated"
    group.addoption("--harness-spec", dest=_SPEC, action="append", type=Path, metavar="PATH", help=about)
    parser.addini(_SPEC, about, type="paths", default=[])
    for name, (parse, about) in _OPTIONS.items():
        flag, metavar = f"--harness-{name.replace('_', '-')}", name.rpartition("_")[2].upper()
        group.addoption(flag, dest=_key(name), type=parse, metavar=metavar, help=about)
        parser.addini(_key(name), about, default="")


def given_specs(config: pytest.Config) -> list[GivenSpec]:
    """The specs that are given; `pytest.UsageError` where one cannot be used."""
    paths: list[Path] = config.getoption(_SPEC) or config.getini(_SPEC)
    if not paths:
        return []
    from harness.errors import BadInputError
    from harness.spec import find_specs

    try:
        # All at once first: two of one name would be one test.
        find_specs(paths)
        return [GivenSpec(path, spec) for path in paths for spec in find_specs([path])]
    except BadInputError as error:
        raise pytest.UsageError(str(error)) from error


def chosen(config: pytest.Config) -> Choices:
    """What is chosen; the command line counts more than the ini-file."""
    found: dict[str, Any] = {}
    for name, (parse, _) in _OPTIONS.items():
        value, text = config.getoption(_key(name)), config.getini(_key(name))
        if value is None and text:
            try:
                value = parse(text)
            except ArgumentTypeError as error:
                raise pytest.UsageError(f"{_key(name)}: {error}") from error
        if value is not None:
            found[name] = value
    return Choices(**found)


def _key(name: str) -> str:
    return f"harness_{name}"
