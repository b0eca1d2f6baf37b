"""Gaps: the parts of a rendered module that are left to the model, each with what it must do.

A skeleton is a whole module, valid as it stands, in which every gap is one statement that a person reads as
"not written yet": `raise NotImplementedError("gap: NAME")` where the body of a function goes, and the text
`"gap: NAME"` where definitions for the whole module go. Gaps are known by the list of the skeleton, never by
what a text looks like: a description that reads like a gap is a docstring, and stays one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache

from agents.conversation import UnusableAnswer
from agents.syntax import syntax_tree

__all__ = ["USABLE_MODULES", "Gap", "GapKind", "Skeleton", "gaps_shown", "parsed_code", "placeholder"]

USABLE_MODULES = (
    "base64",
    "bisect",
    "collections",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "secrets",
    "statistics",
    "string",
    "textwrap",
    "time",
    "unicodedata",
    "uuid",
)
"""Of the standard library, what code in a gap may use: nothing that reaches files, processes or networks."""


class GapKind(StrEnum):
    """What goes into a gap."""

    BODY = "body"
    """The statements of a function."""
    SHARED = "shared"
    """Private definitions that the functions of the module share, or nothing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A marked region: `does` says what is to happen there, `signature` is that of the function around it."""

    name: str
    kind: GapKind
    does: str
    signature: str = ""

    def as_dict(self) -> dict[str, object]:
        """The gap as YAML has it."""
        signature = {"signature": self.signature} if self.signature else {}
        return {"name": self.name, "kind": self.kind.value, **signature, "does": self.does}


def placeholder(name: str, kind: GapKind) -> str:
    """The statement that stands where the gap is, without indentation."""
    text = f'"gap: {name}"'
    return f"raise NotImplementedError({text})" if kind is GapKind.BODY else text


@dataclass(frozen=True)
class Skeleton:
    """A rendered module and its gaps, in the order in which they stand there.

    `modules` are those of the project that the code in a gap may use by their plain names, each with what it
    offers. What is used is imported when the skeleton is rendered anew.
    """

    source: str
    gaps: tuple[Gap, ...]
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def gap(self, name: str) -> Gap:
        """The gap called `name`; KeyError where there is none."""
        for gap in self.gaps:
            if gap.name == name:
                return gap
        raise KeyError(name)

    @cached_property
    def usable_modules(self) -> tuple[str, ...]:
        """Every module that the code in a gap may use; none whose name the module has for something else."""
        named = dict.fromkeys((*self.modules, *USABLE_MODULES))
        imports = ast.Import | ast.ImportFrom | None
        return tuple(name for name in named if isinstance(self.defined.get(name), imports))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the source."""
        return syntax_tree(self.source)

    @cached_property
    def places(self) -> Mapping[str, ast.stmt]:
        """The statement that stands for each gap, alone on its line.

        ValueError where one is not there, is there more than once, or shares its function with another.
        """
        wanted = {(gap.kind, f"gap: {gap.name}"): gap.name for gap in self.gaps}
        if len({gap.name for gap in self.gaps}) != len(self.gaps):
            raise ValueError("two gaps have the same name")
        if sum(gap.kind is GapKind.SHARED for gap in self.gaps) > 1:
            raise ValueError("there is more than one gap for what is shared")
        if "\r" in self.source:
            raise ValueError("the lines of a skeleton end with LF alone")
        lines = self.source.split("\n")
        found: dict[str, ast.stmt] = {}
        for kind, text, node in self._candidates():
            name = wanted.get((kind, str(text)))
            if name is not None and name in found:
                raise ValueError(f"the gap {name} is there twice")
            if name is not None and lines[node.lineno - 1].strip(" ") != placeholder(name, kind):
                raise ValueError(f"the gap {name} does not stand alone on its line")
            if name is not None:
                found[name] = node
        missing = [gap.name for gap in self.gaps if gap.name not in found]
        if missing:
            raise ValueError(f"the gap {missing[0]} is not there")
        here = {id(node) for node in found.values()}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and sum(id(inner) in here for inner in node.body) > 1:
                raise ValueError(f"the function {node.name} has more than one gap")
        return found

    @cached_property
    def functions(self) -> Mapping[str, ast.FunctionDef]:
        """The functions that gaps for a body are in, by the names of the gaps."""
        names = {id(place): name for name, place in self.places.items()}
        return {
            names[id(inner)]: node
            for node in self.tree.body
            if isinstance(node, ast.FunctionDef)
            for inner in node.body
            if id(inner) in names
        }

    def _candidates(self) -> Iterator[tuple[GapKind, object, ast.stmt]]:
        """What can be a gap, with its text; a docstring cannot."""
        for node in self.tree.body[1:]:
            match node:
                case ast.Expr(value=ast.Constant(value=text)):
                    yield GapKind.SHARED, text, node
                case ast.FunctionDef(body=body):
                    for inner in body:
                        match inner:
                            case ast.Raise(
                                exc=ast.Call(
                                    func=ast.Name(id="NotImplementedError"), args=[ast.Constant(value=text)]
                                )
                            ):
                                yield GapKind.BODY, text, inner

    @cached_property
    def defined(self) -> Mapping[str, ast.stmt]:
        """The names that the module defines by itself, with the statement that does."""
        found: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found[name] = node
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    found[name] = node
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    found.update({alias.asname or alias.name: node for alias in names})
        return found

    @property
    def scope(self) -> tuple[str, ...]:
        """What a gap may use of the module beside its API: private functions and data, a line each."""
        lines = []
        for name, node in self.defined.items():
            if not name.startswith("_") or name.startswith("__"):
                continue
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                said = (ast.get_docstring(node) or "").partition("\n")[0]
                returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
                lines.append(f"{name}({ast.unparse(node.args)}){returns}: {said}".rstrip(": "))
            elif isinstance(node, ast.AnnAssign):
                lines.append(f"{name}: {ast.unparse(node.annotation)}")
            elif isinstance(node, ast.Assign):
                lines.append(f"{name} = {ast.unparse(node.value)}")
        return tuple(lines)


def gaps_shown(skeleton: Skeleton, codes: Mapping[str, str]) -> dict[str, object]:
    """The gaps that hold something, with what it must do and the code, as a prompt has them."""
    return {
        gap.name: {
            **({"signature": gap.signature} if gap.signature else {}),
            "does": gap.does,
            "code": codes[gap.name],
        }
        for gap in skeleton.gaps
        if codes.get(gap.name)
    }


@lru_cache(maxsize=64)
def parsed_code(code: str, before: int = 0) -> ast.Module:
    """The syntax tree of `code`, which may `return`; `before` of its lines are ours and are not counted.

    Raises `UnusableAnswer` with line and reason where it cannot be parsed.
    """
    try:
        # A text, not bytes: the comment of a gap cannot name an encoding, for the gap is no file.
        return syntax_tree(code)
    except SyntaxError as error:
        line = (error.text or "").strip()
        at = f"line {max(1, (error.lineno or 1) - before)}: {error.msg}: {line}"
        raise UnusableAnswer(f"the code is not valid Python: {at}") from None
    except UnicodeEncodeError:
        raise UnusableAnswer("the code holds characters that are not Unicode text") from None
    except (RecursionError, MemoryError):
        raise UnusableAnswer("the code is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise UnusableAnswer(f"the code is not valid Python: {error}") from None
