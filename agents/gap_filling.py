"""Filling gaps: code goes in where the syntax tree says that the gap is, and nothing else moves.

That is not only meant but looked at: what comes out is parsed, and its tree must be that of the skeleton with
the statements of the code in place of the gap's.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from agents.answers import parse_python
from agents.conversation import UnusableAnswer
from agents.gaps import GapKind, Skeleton, parsed_code
from agents.indentation import indented, inside_texts, moved_left

__all__ = ["codes_in", "filled", "first_line"]


def filled(skeleton: Skeleton, codes: Mapping[str, str]) -> str:
    """The source of `skeleton` with `codes`, by the names of gaps, in them; the other gaps stay open.

    Code begins in column 0; what is shared may be nothing, and then the blank lines that set it off go too.
    Raises `UnusableAnswer` where what comes out would be something else than the skeleton with that code in
    it, and KeyError where there is no such gap.
    """
    kinds = {gap.name: gap.kind for gap in skeleton.gaps}
    statements = {name: parsed_code(code).body for name, code in codes.items()}
    lines = skeleton.source.split("\n")
    pieces: list[str] = []
    done = 0
    for name in sorted(codes, key=lambda name: skeleton.places[name].lineno):
        if kinds[name] is GapKind.BODY and not statements[name]:
            raise UnusableAnswer(f"there is no statement for the gap {name}")
        place = skeleton.places[name]
        at = place.lineno - 1
        code = indented(codes[name], place.col_offset) if codes[name].strip() else []
        pieces += lines[done : at if code else at - _blank_before(lines, at)]
        pieces += code
        done = at + 1
    source = "\n".join([*pieces, *lines[done:]])
    if not _same(parse_python(source), _expected(skeleton, statements)):
        raise UnusableAnswer("the code does not stay within its gap: its lines mean something else there")
    return source


def codes_in(skeleton: Skeleton, source: str) -> dict[str, str] | None:
    """What stands in the gaps of `skeleton` in `source`; None where that is something else than it, filled.

    The skeleton must import what `source` imports.
    """
    try:
        found = _between(skeleton, source)
        return found if filled(skeleton, found) == source else None
    except (UnusableAnswer, LookupError):
        return None


def _between(skeleton: Skeleton, source: str) -> dict[str, str]:
    """What stands between the statements of the skeleton around each gap; LookupError where none can."""
    tree, kept = parse_python(source), inside_texts(source)
    ours, theirs = skeleton.source.split("\n"), source.split("\n")
    names = {id(place): name for name, place in skeleton.places.items()}
    more = len(tree.body) - len(skeleton.tree.body)
    codes: dict[str, str] = {}
    shift = behind = 0
    for number, node in enumerate(skeleton.tree.body):
        # (the gap, the statement after it and the one that stands there in `source`)
        inside: list[tuple[str, ast.stmt | None, ast.stmt | None]] = []
        if id(node) in names:
            behind = more
            inside = [(names[id(node)], *_after(skeleton.tree.body, number, tree.body, number + behind))]
        elif isinstance(node, ast.FunctionDef):
            other = tree.body[number + behind]
            if not isinstance(other, ast.FunctionDef):
                raise LookupError(node.name)
            longer = len(other.body) - len(node.body)
            for index, inner in enumerate(node.body):
                if id(inner) in names:
                    next_ones = _after(node.body, index, other.body, index + longer)
                    if next_ones[0] is None:
                        next_ones = _after(skeleton.tree.body, number, tree.body, number + behind)
                    if id(next_ones[0]) in names:
                        next_ones = (next_ones[0], None)
                    inside.append((names[id(inner)], *next_ones))
        for name, our_next, their_next in inside:
            at = skeleton.places[name].lineno
            first = at - 1 + shift
            if our_next is not None and their_next is None:
                last = tree.body[number + behind].end_lineno or 0
            else:
                outside = (first_line(our_next) - 1 if our_next else len(ours)) - at
                last = (first_line(their_next) - 1 if their_next else len(theirs)) - outside
            shift += last - first - 1
            margin = skeleton.places[name].col_offset
            codes[name] = "\n".join(
                line if line_number in kept else moved_left(line, margin)
                for line_number, line in enumerate(theirs[first:last], first + 1)
            )
    return codes


def _after(
    ours: Sequence[ast.stmt], our_index: int, theirs: Sequence[ast.stmt], their_index: int
) -> tuple[ast.stmt | None, ast.stmt | None]:
    """The statements after those at the indices; None at the end."""
    if our_index + 1 == len(ours):
        return None, None
    return ours[our_index + 1], theirs[their_index + 1]


def _blank_before(lines: Sequence[str], at: int) -> int:
    """How many blank lines there are before the line `at`, counted from 0."""
    first = at
    while first and not lines[first - 1].strip():
        first -= 1
    return at - first


def first_line(node: ast.stmt) -> int:
    """The number of the line that `node` begins on, with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _expected(skeleton: Skeleton, codes: Mapping[str, Sequence[ast.stmt]]) -> ast.Module:
    """The tree of the skeleton with the statements for each gap where it is."""
    statements = {id(skeleton.places[name]): code for name, code in codes.items()}

    def replaced(body: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [inner for node in body for inner in statements.get(id(node), [node])]

    body: list[ast.stmt] = []
    for node in replaced(skeleton.tree.body):
        if isinstance(node, ast.FunctionDef) and any(id(inner) in statements for inner in node.body):
            fields = {name: getattr(node, name) for name in node._fields}
            body.append(ast.FunctionDef(**{**fields, "body": replaced(node.body)}))
        else:
            body.append(node)
    return ast.Module(body, skeleton.tree.type_ignores)


def _same(one: ast.AST, other: ast.AST) -> bool:
    # An explicit stack: a chain of `elif` is as deep as it is long.
    waiting: list[tuple[object, object]] = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, ast.AST):
            waiting += [(getattr(left, name, None), getattr(right, name, None)) for name in left._fields]
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            waiting += zip(left, right, strict=True)
        elif left != right:
            return False
    return True
