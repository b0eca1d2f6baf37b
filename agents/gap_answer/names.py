"""The names in the code for a gap: what it takes from around it, and what it binds."""

from __future__ import annotations

import ast
import importlib
import symtable
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from agents.conversation import UnusableAnswer
from agents.gaps import Gap, GapKind, Skeleton
from agents.indentation import indented
from agents.syntax import parsing

__all__ = ["Names", "bound_at", "names_in", "offered", "used_modules"]

_AROUND = "__gap__"
_NOT_ORDINARY = 0x20 | 0x80 | 0x100 | 0x200
"""The flags of code that yields or awaits."""

# What reaches files, or objects by texts.
_WITHHELD = {
    "io": frozenset({"FileIO", "open", "open_code"}),
    "operator": frozenset({"attrgetter", "methodcaller"}),
    "string": frozenset({"Formatter"}),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What code uses and does not bind, what it binds where it stands, and whether it only returns.

    What is imported is in neither.
    """

    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    is_ordinary: bool = True


def names_in(code: str, gap: Gap, skeleton: Skeleton) -> Names:
    """The names in `code`, which is valid; raises `UnusableAnswer` where it cannot stand in `gap`."""
    text, before = code, 0
    if gap.kind is GapKind.BODY:
        inside = "\n".join(indented(code, 1))
        text = f"def {_AROUND}({', '.join(_there(gap, skeleton))}):\n{inside}\n"
        before = 1
    try:
        with parsing():
            made = compile(text, "<gap>", "exec", dont_inherit=True)
            table = symtable.symtable(text, "<gap>", "exec")
    except SyntaxError as error:
        at = f"line {max(1, (error.lineno or 1) - before)}: {error.msg}"
        raise UnusableAnswer(f"the code cannot stand there: {at}") from None
    except (ValueError, OverflowError, RecursionError, MemoryError):
        raise UnusableAnswer("the code cannot stand there: it is nested too deeply") from None
    inner = table.get_children()[0] if gap.kind is GapKind.BODY else table
    bound = {s.get_name() for s in inner.get_symbols() if s.is_assigned() and not s.is_parameter()}
    flags = [c.co_flags for c in made.co_consts if isinstance(c, types.CodeType) and c.co_name == _AROUND]
    return Names(
        frozenset(_taken(table)) - {_AROUND},
        frozenset(bound),
        not any(found & _NOT_ORDINARY for found in flags),
    )


def used_modules(code: str, gap: Gap, skeleton: Skeleton) -> frozenset[str]:
    """The modules that `code`, which may stand in `gap`, uses by their names."""
    return names_in(code, gap, skeleton).used.intersection(skeleton.usable_modules)


def bound_at(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The names that `tree` binds, deletes or uses, except by imports, each with the line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                yield name, node.lineno
            case (
                ast.FunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name, node.lineno


@lru_cache
def offered(module: str) -> frozenset[str]:
    """What code may use of a module of the standard library: what is public and no module in turn."""
    found = vars(importlib.import_module(module))
    public = {n for n, v in found.items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}
    return frozenset(public | ({"abc"} if module == "collections" else set())) - _WITHHELD.get(module, set())


def _taken(table: symtable.SymbolTable) -> Iterator[str]:
    """The names that the code of `table` takes from the module, or from the builtins."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and not (symbol.is_assigned() or symbol.is_imported()):
            yield symbol.get_name()
    # Functions in functions can be nested deeper than this one could call itself.
    waiting = [*table.get_children()]
    while waiting:
        inner = waiting.pop()
        yield from (s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced())
        waiting += inner.get_children()


def _there(gap: Gap, skeleton: Skeleton) -> Iterable[str]:
    """The names that the function around `gap` has bound where it begins: its parameters, and more."""
    function, place = skeleton.functions[gap.name], skeleton.places[gap.name]
    arguments = function.args
    ordered = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    ordered += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    names = dict.fromkeys(argument.arg for argument in ordered)
    for statement in function.body[: function.body.index(place)]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names[node.id] = None
    return names
