"""Signatures as an architect writes them: their parameters, what their types need, and how they are laid out.

A rendered module keeps a signature as it is. One that names what no template can provide (a class of its own,
a constant as default) cannot be rendered, and `Signature.foreign` says which names these are.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents.syntax import expression_tree, syntax_tree

__all__ = ["LONGEST_LINE", "Parameter", "Signature", "Type", "fitted", "read_signature", "width"]

LONGEST_LINE = 88
"""The columns that a line of generated source has."""

_IMPORTED = {
    **dict.fromkeys(
        ("Any", "Dict", "FrozenSet", "List", "Literal", "Optional", "Set", "Tuple", "Type", "Union"), "typing"
    ),
    **dict.fromkeys(
        ("Callable", "Collection", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence"),
        "collections.abc",
    ),
    **dict.fromkeys(("date", "timedelta"), "datetime"),
    "Decimal": "decimal",
    "Fraction": "fractions",
    "UUID": "uuid",
}
"""Where the types come from that signatures may name; not `datetime`: gaps use the module of that name."""

_MODULES = frozenset({"datetime", "decimal", "typing", "uuid"})
_PLAIN = frozenset(
    name for name in dir(builtins) if isinstance(getattr(builtins, name), type) and not name.startswith("_")
)


@dataclass(frozen=True, slots=True)
class Type:
    """A type without what makes it optional: `list[str] | None` has the name `list` and the item `str`.

    The name is empty where no type is said, and `?` where it is none of the plain ones.
    """

    name: str
    item: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `default` is source text, None where a call must give it."""

    name: str
    type: Type
    default: str | None = None
    keyword_only: bool = False

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is None


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's first line, taken apart.

    `items` are the parameters as source, with `*` and `/`; `closing` is what follows the parenthesis. With
    `by_name` every parameter can be given by its name. `imports` are lines, `foreign` names nobody provides.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type
    items: tuple[str, ...]
    closing: str
    by_name: bool
    imports: frozenset[str]
    foreign: frozenset[str]


@lru_cache(maxsize=1024)
def read_signature(text: str) -> Signature:
    """The signature `name(parameters) -> type`; ValueError where it is not one."""
    try:
        tree = syntax_tree(f"def {text}: ...")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is not the signature of a function") from error
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef) or _goes_on(tree.body[0]):
        raise ValueError(f"{text!r} is not the signature of a function")
    function = tree.body[0]
    arguments = function.args
    given = (*arguments.posonlyargs, *arguments.args)
    all_of_them = [*given, *arguments.kwonlyargs, *(a for a in (arguments.vararg, arguments.kwarg) if a)]
    if len({argument.arg for argument in all_of_them}) != len(all_of_them):
        raise ValueError(f"{text!r} has a parameter twice")
    none: list[ast.expr | None] = [None] * (len(given) - len(arguments.defaults))
    defaults = [*none, *arguments.defaults, *arguments.kw_defaults]
    parameters = tuple(
        Parameter(
            argument.arg,
            _type(argument.annotation),
            _source(default) if default else None,
            argument in arguments.kwonlyargs,
        )
        for argument, default in zip([*given, *arguments.kwonlyargs], defaults, strict=True)
    )
    annotations = [*(argument.annotation for argument in all_of_them), function.returns]
    imports, foreign = _names([note for note in annotations if note], [value for value in defaults if value])
    return Signature(
        function.name,
        parameters,
        _type(function.returns),
        tuple(_items(arguments)),
        f" -> {_source(function.returns)}" if function.returns else "",
        not (arguments.posonlyargs or arguments.vararg or arguments.kwarg),
        imports,
        foreign,
    )


def _goes_on(function: ast.FunctionDef) -> bool:
    """Whether more than `...` follows: a signature that ends in a body of its own is none."""
    match function.body:
        case [ast.Expr(value=ast.Constant(value=value))] if value is ...:
            return bool(function.type_comment) or function.lineno != function.end_lineno
    return True


def fitted(opening: str, items: Sequence[str], closing: str = "", margin: int = 0) -> str:
    """`opening(items)closing` behind `margin` blanks: on one line, else the items on one, else one each.

    The first line comes without its margin. A call with one item has no comma behind it, as formatters want.
    """
    line = f"{opening}({', '.join(items)}){closing}"
    if not items or margin + width(line) <= LONGEST_LINE:
        return line
    inside = " " * (margin + 4)
    together = ", ".join(items)
    is_call = not opening.startswith("def ")
    if width(inside + together) <= LONGEST_LINE or (is_call and len(items) == 1):
        listed = f"{inside}{together}\n"
    else:
        listed = "".join(f"{inside}{item},\n" for item in items)
    return f"{opening}(\n{listed}{' ' * margin}){closing}"


def width(text: str) -> int:
    """The columns of `text`: characters of East Asian scripts are two wide."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _items(arguments: ast.arguments) -> Iterator[str]:
    given = [*arguments.posonlyargs, *arguments.args]
    none: list[ast.expr | None] = [None] * (len(given) - len(arguments.defaults))
    for number, (argument, default) in enumerate(zip(given, [*none, *arguments.defaults], strict=True), 1):
        yield _item(argument, default)
        if number == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg:
        yield f"*{_item(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _item(argument, default)
    if arguments.kwarg:
        yield f"**{_item(arguments.kwarg, None)}"


def _item(argument: ast.arg, default: ast.expr | None) -> str:
    if argument.annotation is None:
        return argument.arg + (f"={_source(default)}" if default else "")
    return f"{argument.arg}: {_source(argument.annotation)}" + (f" = {_source(default)}" if default else "")


def _source(node: ast.expr) -> str:
    """`node` as source, its texts in the quotes that formatters want."""
    text = ast.unparse(node)
    if "'" not in text:
        return text
    tokens = [
        token._replace(string=_requoted(token.string)) if token.type == tokenize.STRING else token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
    ]
    return str(tokenize.untokenize(tokens)).strip()


def _requoted(text: str) -> str:
    inside = text[1:-1]
    plain = text.startswith("'") and '"' not in inside and "\\'" not in inside and not inside.startswith("''")
    return f'"{inside}"' if plain else text


def _type(node: ast.expr | None) -> Type:
    match node:
        case None:
            return Type("")
        case ast.Constant(value=None):
            return Type("None")
        case ast.Constant(value=str(text)):
            try:
                return _type(expression_tree(text))
            except (SyntaxError, ValueError):
                return Type("?")
        case ast.Name(id=name):
            return Type({"List": "list", "Dict": "dict", "Any": ""}.get(name, name))
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _maybe(_type(left))
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return _maybe(_type(right))
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _maybe(_type(inner))
        case ast.Subscript(value=ast.Name(id="list" | "List"), slice=inner):
            return Type("list", _type(inner).name)
        case ast.Subscript(value=ast.Name(id="dict" | "Dict")):
            return Type("dict")
    return Type("?")


def _maybe(found: Type) -> Type:
    return Type(found.name, found.item, optional=True)


def _names(
    annotations: Sequence[ast.expr], defaults: Sequence[ast.expr]
) -> tuple[frozenset[str], frozenset[str]]:
    """The import lines that a signature needs, and the names and forms in it that nothing provides."""
    imports: set[str] = set()
    foreign: set[str] = set()
    waiting: list[ast.AST] = [*annotations]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Constant(value=str(text)):
                try:
                    inner = expression_tree(text)
                except (SyntaxError, ValueError):
                    foreign.add(text)
                else:
                    waiting.append(inner)
            case ast.Subscript(value=ast.Name(id="Literal")):
                imports.add("from typing import Literal")
            case ast.Attribute(value=ast.Name(id=name)) if name in _MODULES:
                imports.add(f"import {name}")
            case ast.Name(id=name) if name in _IMPORTED:
                imports.add(f"from {_IMPORTED[name]} import {name}")
            case ast.Name(id=name) if name in _PLAIN:
                pass
            case ast.Constant(value=value) if value is None or value is ...:
                pass
            case ast.Subscript() | ast.Tuple() | ast.List() | ast.BinOp(op=ast.BitOr()):
                waiting.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
            case _:
                foreign.add(ast.unparse(node))
    foreign.update(ast.unparse(value) for value in defaults if not _literal(value))
    return frozenset(imports), frozenset(foreign)


def _literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
