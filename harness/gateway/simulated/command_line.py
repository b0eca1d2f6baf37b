"""The entry point of a command-line tool: every function of every module is a command."""

from __future__ import annotations

from collections.abc import Mapping

from harness.gateway.simulated.offer import Offer
from harness.gateway.simulated.source.layout import docstring
from harness.gateway.simulated.vocabulary import Archetype
from harness.gateway.simulated.words import is_taken, quoted, word_set

__all__ = ["command_line_entry_point"]

_READING = frozenset(
    {
        Archetype.GET,
        Archetype.LIST,
        Archetype.FIND,
        Archetype.SEARCH,
        Archetype.RANK,
        Archetype.TRACK,
        Archetype.COUNT,
        Archetype.TOTAL,
        Archetype.SUMMARY,
        Archetype.EXPORT,
        Archetype.CONVERT,
        Archetype.OVERVIEW,
        Archetype.HEALTH,
    }
)


def command_line_entry_point(project: Mapping[str, object], offers: tuple[Offer, ...], mark: str) -> str:
    """The source of main.py."""
    name = str(project.get("project") or "Application")
    imports = sorted(f"import {offer.stem}{_alias(offer)}" for offer in offers)
    commands = [_commands(offer) for offer in offers]
    reading = sorted({f.name for offer in offers for f in offer.functions if f.archetype in _READING})
    return (
        _MAIN.replace("[[mark]]", mark)
        .replace("[[docstring]]", docstring(f"{name}: its functions on the command line."))
        .replace("[[imports]]", "\n".join(imports))
        .replace("[[commands]]", "\n".join(commands))
        .replace("[[reading]]", "".join(f"        {quoted(name)},\n" for name in reading))
    )


_NAMES_IN_USE = word_set(
    "argv arguments chosen command file function functions given kind line module modules name names "
    "parameter parser problem readers result state text"
)


def _alias(offer: Offer) -> str:
    return f" as {offer.stem}_module" if offer.stem in _NAMES_IN_USE or is_taken(offer.stem) else ""


def _commands(offer: Offer) -> str:
    module = _alias(offer).removeprefix(" as ") or offer.stem
    listed = "".join(f'        "{f.name}": {module}.{f.name},\n' for f in offer.functions)
    return f'    "{offer.stem}": {{\n{listed}    }},'


_MAIN = '''\
# revision [[mark]]
[[docstring]]

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

[[imports]]

COMMANDS: dict[str, dict[str, Callable[..., Any]]] = {
[[commands]]
}

# Commands that change nothing; all others are noted in the state file.
READING = frozenset(
    {
[[reading]]    }
)


def main(argv: list[str] | None = None) -> int:
    """Run one command and print what it gives as JSON; 1 where it fails."""
    arguments = vars(_parser().parse_args(argv))
    module, name = arguments.pop("chosen_module"), arguments.pop("chosen_function")
    state = arguments.pop("state_file")
    given = {key: value for key, value in arguments.items() if value is not None}
    try:
        _replay(state)
        result = COMMANDS[module][name](**given)
        if state and name not in READING:
            _note(state, [module, name, given])
    except (LookupError, OSError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(result, ensure_ascii=False, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    """The parser: a module, a function of it, and an option for each parameter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--state",
        dest="state_file",
        type=Path,
        default=os.environ.get("STATE_FILE") or None,
        help="keep what is done in this file, so that the next command finds it",
    )
    modules = parser.add_subparsers(dest="chosen_module", required=True)
    for module, functions in COMMANDS.items():
        chosen = modules.add_parser(module)
        names = chosen.add_subparsers(dest="chosen_function", required=True)
        for name, function in functions.items():
            command = names.add_parser(name, help=function.__doc__)
            for parameter in inspect.signature(function).parameters.values():
                _add_option(command, parameter)
    return parser


def _add_option(command: argparse.ArgumentParser, parameter: inspect.Parameter) -> None:
    """Add the option for one parameter; its annotation says how it is read."""
    kind = str(parameter.annotation).removesuffix(" | None").partition("[")[0]
    readers = {"int": int, "float": float, "bool": _flag, "dict": json.loads}
    command.add_argument(
        f"--{parameter.name.replace('_', '-')}",
        dest=parameter.name,
        type=readers.get(kind, str),
        nargs="*" if kind == "list" else None,
        required=parameter.default is inspect.Parameter.empty,
    )


def _flag(text: str) -> bool:
    """A truth value as people write it."""
    if text.lower() not in ("true", "yes", "1", "false", "no", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "yes", "1")


def _replay(state: Path | None) -> None:
    """Do again what the state file notes, a command on each line."""
    if state is not None and state.exists():
        for line in state.read_text(encoding="utf-8").splitlines():
            module, name, given = json.loads(line)
            COMMANDS[module][name](**given)


def _note(state: Path, command: list[Any]) -> None:
    """Add a command to the state file."""
    with state.open("a", encoding="utf-8") as file:
        file.write(json.dumps(command, ensure_ascii=False) + "\\n")


if __name__ == "__main__":
    sys.exit(main())
'''
