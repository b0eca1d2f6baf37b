"""The description of an external engine: the FILE.yaml of `external:FILE.yaml`."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.functional_validators import AfterValidator

from harness.errors import BadInputError
from harness.spec.documents import DocumentKind, read_documents

__all__ = ["ExternalDescription", "read_description"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDERS = ("idea", "model", "python", "spec")
# What leads an engine to the gateway is not for its file to change.
_OURS = frozenset({"OLLAMA_HOST", "NO_PROXY", "no_proxy"})

_NOT_COPIED = (".git", ".venv", "venv", "__pycache__", "node_modules")


def _usable_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("may hold letters, digits, '.', '_' and '-', a letter or digit first, at most 64")
    return name


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _known_placeholders(text: str) -> str:
    try:
        parts = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text)]
    except ValueError as problem:
        raise ValueError(f"{problem}; a brace that is meant as one is written twice: {{{{ }}}}") from problem
    for name, spec, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or spec or conversion):
            there = ", ".join(f"{{{known}}}" for known in _PLACEHOLDERS)
            raise ValueError(
                f"there is no placeholder {{{name}}}; there are {there}, and a brace that is meant as one is "
                "written twice"
            )
    return text


def _below(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("must stay below the working directory of the engine: no '/' at its start, no '..'")
    if pattern != "." and not path.parts:
        raise ValueError("must not be empty")
    if any("**" in part and part != "**" for part in path.parts):
        raise ValueError("'**' stands for whole folders: it must stand alone between slashes")
    return pattern


def _text_of(value: object) -> object:
    # Nobody quotes the numbers of an environment.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _free_variables(env: Mapping[str, str]) -> Mapping[str, str]:
    for name in env:
        if name in _OURS:
            raise ValueError(f"{name} is set by the harness: it is what leads the engine to the gateway")
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a variable")
    return env


def _folder(value: object, info: ValidationInfo) -> Path:
    path = _placed(_path_text(value), info)
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}")
    return path


def _interpreter(value: object, info: ValidationInfo) -> Path:
    text = _path_text(value)
    if "/" not in text:
        found = shutil.which(text)
        if found is None:
            raise ValueError(f"there is no {text} on the PATH")
        return Path(found)
    path = _placed(text, info)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ValueError(f"there is no program {path}")
    return path


def _path_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path")
    return value


def _placed(text: str, info: ValidationInfo) -> Path:
    """A path of the file; relative to the folder that the file is in.

    Links are not followed: the interpreter of a virtual environment is one, which says what it belongs to.
    """
    folder: Path = (info.context or {}).get("folder", Path())
    return Path(os.path.normpath(folder / Path(text).expanduser()))


_Text = Annotated[str, StringConstraints(min_length=1)]
_Pattern = Annotated[_Text, AfterValidator(_below)]
_Patterns = Annotated[tuple[_Pattern, ...], Field(strict=False), BeforeValidator(_one_or_more)]


class ExternalDescription(BaseModel):
    """Any command line as an engine; paths of the file itself are relative to the folder it is in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_usable_name)]
    command: Annotated[
        tuple[Annotated[str, AfterValidator(_known_placeholders)], ...], Field(strict=False, min_length=1)
    ]
    """The words of the command line, with `{idea}`, `{model}`, `{python}` and `{spec}` (its name) in them."""
    source: Annotated[Path, BeforeValidator(_folder)] | None = None
    """The folder that is copied for every run; None for an empty one."""
    python: Annotated[Path, BeforeValidator(_interpreter)] = Path(sys.executable)
    """The interpreter: the one that runs the harness where the file names none."""
    env: Annotated[dict[str, Annotated[str, BeforeValidator(_text_of)]], AfterValidator(_free_variables)] = (
        Field(default_factory=dict)
    )
    output: _Pattern
    """The folder of the result, below the working directory: the newest that appeared during the run."""
    blackboard: _Patterns = ()
    """Where its state may be, below the output or else the working directory; empty if it keeps none."""
    success: _Text | None = None
    """What it prints on standard output only where it succeeded."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    exclude: _Patterns = _NOT_COPIED
    """Names or paths below the source that are not copied."""
    ignore: _Patterns = ()
    """Names or paths below the output that are no part of the result."""

    def words(self, *, idea: str, model: str, spec: str) -> list[str]:
        """The command line for one run."""
        values = {"idea": idea, "model": model, "spec": spec, "python": str(self.python)}
        return [word.format_map(values) for word in self.command]


_KIND = DocumentKind(ExternalDescription, "description of an engine", "name, command and output")


def read_description(file: Path) -> ExternalDescription:
    """The engine that `file` describes; `BadInputError` with file, line and key where it does not."""
    if not file.is_file():
        raise BadInputError(f"{file}: there is no such file; describe the engine in it (docs/engines.md)")
    (_, description), *more = read_documents(file, _KIND)
    if more:
        raise BadInputError(f"{more[0][0]}: a file describes one engine; put the second into its own")
    return description
