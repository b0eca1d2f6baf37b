"""Holding code against what may stand in its gap."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator

from agents.conversation import UnusableAnswer
from agents.gap_answer.names import Names, bound_at, names_in, offered
from agents.gap_filling import filled
from agents.gaps import Gap, GapKind, Skeleton, parsed_code

__all__ = ["MOST_CHARACTERS", "check_gap", "check_length"]

MOST_CHARACTERS = 20_000
"""How much code goes into one gap."""
_MOST_PROBLEMS = 12
# Each is named after all those around it: thousands of them take seconds to compile.
_MOST_FUNCTIONS_DEEP = 50

# They reach what is not in scope, or make code of a text.
_FORBIDDEN = frozenset(
    {"__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "input"}
    | {"locals", "open", "quit", "setattr", "vars", "memoryview", "help", "license", "copyright", "credits"}
)
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) - _FORBIDDEN

# Attributes that lead out of what is in scope, whatever they are of.
_REACHING = frozenset(
    {"ag_code", "ag_frame", "cr_code", "cr_frame", "f_back", "f_builtins", "f_code", "f_globals", "f_locals"}
    | {"gi_code", "gi_frame", "gi_yieldfrom", "tb_frame", "tb_next"}
    | {"builtins", "importlib", "os", "socket", "subprocess", "sys"}
)
_REACHING_TEXT = re.compile(rf"__[A-Za-z]+__|\.(?:{'|'.join(sorted(_REACHING))})\b")

# The first line of what is wrong, or 0, and the sentence.
_Problem = tuple[int, str]


def check_gap(code: str, gap: Gap, skeleton: Skeleton, shared: str = "") -> None:
    """Raise `UnusableAnswer` with all that is wrong unless `code` may stand in `gap`.

    `shared` is what the functions of the module share already: the body of one may use it, and what takes
    its place must define it again.
    """
    check_length(code)
    tree = parsed_code(code)
    if _functions_deep(tree) > _MOST_FUNCTIONS_DEEP:
        raise UnusableAnswer(f"functions stand in functions, more than {_MOST_FUNCTIONS_DEEP} deep")
    problems = [*_alien(tree)]
    try:
        names = names_in(code, gap, skeleton) if tree.body else Names()
    except UnusableAnswer as problem:
        names = Names()
        problems.append((0, str(problem)))
    if gap.kind is GapKind.BODY:
        known = {name for node in parsed_code(shared).body for name in _defines(node)}
        problems += _body_problems(tree, names, skeleton.functions[gap.name], skeleton, known)
    else:
        known = {name for node in tree.body for name in _defines(node)}
        problems += _shared_problems(tree, names, skeleton.places[gap.name].lineno, skeleton)
        problems += _lost(tree, shared)
    problems += _unknown(tree, names.used, known, skeleton)
    said = [f"line {line}: {text}" if line else text for line, text in sorted(dict.fromkeys(problems))]
    if len(said) > _MOST_PROBLEMS:
        said[_MOST_PROBLEMS:] = [f"and {len(said) - _MOST_PROBLEMS} more"]
    if said:
        raise UnusableAnswer("; ".join(said))
    filled(skeleton, {gap.name: code})


def check_length(code: str) -> None:
    """Raise `UnusableAnswer` where `code` is longer than what goes into a gap."""
    if len(code) > MOST_CHARACTERS:
        raise UnusableAnswer(f"the code has {len(code)} characters; at most {MOST_CHARACTERS} go into a gap")


def _functions_deep(tree: ast.Module) -> int:
    """How many functions and classes stand in each other, at most."""
    most = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, deep = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            deep += 1
            most = max(most, deep)
        waiting += [(inner, deep) for inner in ast.iter_child_nodes(node)]
    return most


def _alien(tree: ast.Module) -> Iterator[_Problem]:
    """What may stand in no gap."""
    standing = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom():
                yield (
                    node.lineno,
                    "imports are written for you; use the modules that are listed by their plain names, "
                    "and no others",
                )
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield node.lineno, f"no global or nonlocal ({', '.join(names)})"
            case ast.AsyncFunctionDef():
                yield node.lineno, "no asynchronous functions"
            case ast.Attribute(attr=attr) if not _reachable(node):
                yield node.lineno, f"{attr} is not to be used"
            case ast.MatchClass(kwd_attrs=attrs):
                for attr in attrs:
                    if attr.startswith("__") or attr in _REACHING:
                        yield node.lineno, f"{attr} is not to be used"
            case ast.Constant(value=str(text)) if id(node) not in standing:
                if found := _REACHING_TEXT.search(text):
                    yield node.lineno, f"{found[0]} is not to be used, nor in a text"
            case ast.Raise(
                exc=ast.Call(func=ast.Name(id="NotImplementedError"), args=[ast.Constant() as said])
            ):
                if str(said.value).startswith("gap: "):
                    yield node.lineno, "this is the mark of a gap; write what belongs there"


def _reachable(node: ast.Attribute) -> bool:
    match node:
        case ast.Attribute(attr="__name__"):
            return True
        case ast.Attribute(attr="__init__", value=ast.Call(func=ast.Name(id="super"), args=[])):
            return True
    return not node.attr.startswith("__") and node.attr not in _REACHING


def _unknown(
    tree: ast.Module, used: frozenset[str], known: set[str], skeleton: Skeleton
) -> Iterator[_Problem]:
    """What is used and may not be, or is defined neither by the skeleton nor among the names `known`."""
    lines = _lines(tree)
    for name in sorted(used & _FORBIDDEN - skeleton.defined.keys()):
        yield lines.get(name, 0), f"{name} is not to be used"
    if "blueprint" in used & skeleton.defined.keys():
        yield lines.get("blueprint", 0), "every route is written for you; blueprint is not to be used"
    there = {*skeleton.defined, *skeleton.usable_modules, *_BUILTINS, *_FORBIDDEN, "__name__"}
    unknown = sorted(used - there - known)
    if unknown:
        modules = ", ".join(skeleton.usable_modules)
        yield 0, f"not in scope: {', '.join(unknown)}; the modules that may be used are {modules}"
    yield from _misused_modules(tree, used.intersection(skeleton.usable_modules), skeleton)


def _misused_modules(tree: ast.Module, modules: frozenset[str], skeleton: Skeleton) -> Iterator[_Problem]:
    owners = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name) as owner, attr=attr) if name in modules:
                owners.add(id(owner))
                if name not in skeleton.modules:
                    if attr not in offered(name):
                        yield node.lineno, f"{attr} is nothing that {name} offers for use here"
                elif attr not in skeleton.modules[name] - {"blueprint"}:
                    offer = ", ".join(sorted(skeleton.modules[name] - {"blueprint"}))
                    yield node.lineno, f"{attr} is not in the API of {name}, which has {offer}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in modules and id(node) not in owners:
            yield node.lineno, f"{node.id} is a module; use what it offers, as {node.id}.name"


def _body_problems(
    tree: ast.Module, names: Names, function: ast.FunctionDef, skeleton: Skeleton, shared: set[str]
) -> Iterator[_Problem]:
    if all(_is_idle(node) for node in tree.body):
        yield 0, f"the body of {function.name} does nothing; write what it must do"
        return
    given = [node.value for node in _within(tree.body) if isinstance(node, ast.Return)]
    raises = any(isinstance(node, ast.Raise) for node in _within(tree.body))
    returns = ast.unparse(function.returns) if function.returns else ""
    may_be_none = any(word in returns for word in ("None", "Optional", "Any", "object"))
    if returns and not may_be_none and not raises and all(_is_none(value) for value in given):
        yield 0, f"{function.name} must return {returns}, and nothing is returned"
    if not names.is_ordinary:
        yield 0, f"{function.name} is an ordinary function: no yield, no await"
    lines = _lines(tree)
    for name in sorted(names.bound & lines.keys()):
        if name in skeleton.defined or name in shared:
            yield lines[name], f"{name} belongs to the module; take another name for what is local"
        elif name in skeleton.modules:
            yield lines[name], f"{name} is a module; take another name for what is local"


def _shared_problems(tree: ast.Module, names: Names, here: int, skeleton: Skeleton) -> Iterator[_Problem]:
    for node in tree.body:
        match node:
            case ast.AnnAssign(value=None):
                yield node.lineno, "what is shared has a value"
            case ast.FunctionDef() | ast.ClassDef() | ast.Assign() | ast.AnnAssign() if _defines(node):
                pass
            case ast.Import() | ast.ImportFrom() | ast.AsyncFunctionDef() | ast.Global() | ast.Nonlocal():
                pass
            case _:
                yield node.lineno, "only private functions, classes and data are defined here, one by one"
    named = [(name, node.lineno) for node in tree.body for name in _defines(node)]
    for name, line in named:
        if not name.startswith("_") or name.startswith("__"):
            yield line, f"{name} must begin with one underscore, as what is private does"
        elif name in skeleton.defined:
            yield line, f"{name} is there already; use it, or take another name"
    for name, count in Counter(name for name, _ in named).items():
        if count > 1:
            yield next(line for other, line in named if other == name), f"{name} is defined {count} times"
    lines = _lines(tree)
    # In a comprehension, a name that is bound on the way is the module's.
    on_the_way = {
        node.target.id
        for statement in tree.body
        for node in _on_import(statement)
        if isinstance(node, ast.NamedExpr)
    }
    for name in sorted((names.bound | on_the_way) & lines.keys() - {name for name, _ in named}):
        yield lines[name], f"{name} is bound on the way; define it in a statement of its own"
    yield from _too_early(tree, here, skeleton)


def _lost(tree: ast.Module, shared: str) -> Iterator[_Problem]:
    """What functions may use already, and is not there any more."""
    left = {name for node in tree.body for name in _defines(node)}
    for node in parsed_code(shared).body:
        for name in _defines(node):
            if name not in left:
                yield 0, f"{name} is missing; the functions of the module may use it already"


def _too_early(tree: ast.Module, here: int, skeleton: Skeleton) -> Iterator[_Problem]:
    """What is used when the module is imported, before it is defined."""
    later = {name for name, node in skeleton.defined.items() if node.lineno > here}
    later |= {name for node in tree.body for name in _defines(node)}
    for statement in tree.body:
        for node in _on_import(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in later:
                yield node.lineno, f"{node.id} is used before it is defined, for this runs on import"
        later -= {*_defines(statement)}


def _on_import(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of `statement` that are evaluated when it is met: no bodies of functions, no annotations."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ast.FunctionDef(decorator_list=decorators, args=arguments):
                waiting += [*decorators, *arguments.defaults, *(d for d in arguments.kw_defaults if d)]
            case ast.Lambda(args=arguments):
                waiting += [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]
            case ast.AnnAssign(value=ast.expr() as value):
                waiting.append(value)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def _defines(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return (name,)
    return ()


def _lines(tree: ast.Module) -> dict[str, int]:
    """The first line that each name is bound or used in."""
    found: dict[str, int] = {}
    for name, line in bound_at(tree):
        found[name] = min(line, found.get(name, line))
    return found


def _within(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of `body`, but not what is inside of functions and classes that it defines."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement only holds the place of others."""
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError")):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)
