"""Filling gaps: the code is in them, unchanged in meaning, and every byte outside is what it was."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.conversation import UnusableAnswer
from agents.gap_filling import codes_in, filled
from agents.gaps import Gap, GapKind, Skeleton, placeholder
from tests.agents.rendered import SHARED, SKELETON, SOURCE, skeleton_of
from tests.agents.stdlib_bodies import MODULES, stdlib_bodies

BODIES = {
    "one line": "return 1",
    "a text over lines": 'x = """a\n  b\n\n\tc\n"""\nreturn x',
    "a text first": '"""a\nb"""\nreturn 1',
    "fields": "x = f'''{1 +\n2}\n  {3}'''\nreturn x",
    "raw bytes": "x = rb'''\\\n  \\x'''\nreturn x",
    "a text continued": "x = 'a\\\n  b'\nreturn x",
    "texts side by side": "x = ('''a\n''' '''\n  b'''\n    'c')\nreturn x",
    "comments": "# first\nx = 1  # second\n\n    # odd\nreturn x\n# last",
    "continued": "x = 1 + \\\n2 + \\\n        3\nreturn x",
    "brackets": "return {\n'a': [\n1,\n],\n}",
    "tabs": "if 1:\n\treturn 1\nelse:\n\tif 2:\n\t\treturn 2",
    "form feeds": "\fif 1:\n\f    return 1\n\f\nreturn 2",
    "blank at the end of lines": "x = 1   \n   \nreturn x\t",
    "blank lines around": "\n\nreturn 1\n\n",
    "decorators": "@a\n@b(\n1)\n# c\ndef f():\n    return 1\nreturn f",
    "nested": "def f():\n    def g():\n        '''a\n b'''\n        return g\n    return g\nreturn f",
    "a class": "class A:\n    x: int = 1\n\n    def f(self): return '''\n'''\nreturn A",
    "match": "match x:\n    case [1, *_]:\n        return\n    case {'a': b, **c} | A(b, c=c):\n        pass",
    "lambda and walrus": "f = lambda x, /, *, y=(z := 1): (\nx)\nreturn f",
    "elif": "if 0:\n    pass\n" + "elif 1:\n    return 1\n" * 900 + "return 2",
    "long": "\n".join(f"x{n} = {n}" for n in range(3_000)),
    "one long line": "return [" + "1, " * 6_000 + "]",
    "deep": "\n".join(f"{' ' * n}if {n}:" for n in range(90)) + f"\n{' ' * 90}return 1",
    "try": "try:\n    pass\nexcept* A as e:\n    raise\nfinally:\n    with a as b, (c):\n        pass",
    "several on a line": "x = 1; y = 2;\nreturn x; pass",
    "marks": 'raise NotImplementedError("gap: total")\n"gap: shared"\nreturn "gap: clear"',
    "a template's marks": "return '{{ x }} {% raw %} {# #}'",
    "line separators": "x = '\u2028 \x85 \x1c'  # \u2029\nreturn x",
    "letters": "ﬁnd = 1\nreturn ﬁnd + é",
    "a cookie": "# coding: latin-1\nreturn 'é'",
    "a huge number": "return 0x" + "f" * 9_000,
    "numbers": "return 1e999, 0.0, -0.0, 1j, 0_0",
    "a dedented comment": "if 1:\n    x = 1\n# out\n    y = 2\nreturn x",
}


def dumped(body: Sequence[ast.stmt]) -> list[object]:
    """The trees of `body` in a form that is compared; flat, for some are very deep."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    plain = (str, int, float, complex, bytes, bool, type(None), type(...))
    return [
        (type(node), [(type(v), v) for _, v in ast.iter_fields(node) if isinstance(v, plain)], count)
        for node in nodes
        for count in [len([*ast.iter_child_nodes(node)])]
    ]


def around(code: str, name: str) -> None:
    """`code` in the gap `name`: the rest of the source is the same, and so is what the code means."""
    source = filled(SKELETON, {name: code})
    place = SKELETON.places[name]
    before, after = SOURCE.split("\n")[: place.lineno - 1], SOURCE.split("\n")[place.lineno :]
    lines = source.split("\n")
    assert lines[: len(before)] == before
    assert lines[len(lines) - len(after) :] == after
    tree = ast.parse(source)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    ours = SKELETON.functions[name].body
    at = ours.index(place)
    inside = function.body[at : len(function.body) - (len(ours) - at - 1)]
    assert dumped(inside) == dumped(ast.parse(code).body)
    assert codes_in(SKELETON, source) == {
        gap.name: code if gap.name == name else placeholder(gap.name, gap.kind) for gap in SKELETON.gaps
    }


@pytest.mark.parametrize("name", ["total", "add_item_view"])
@pytest.mark.parametrize("code", BODIES.values(), ids=BODIES.keys())
def test_code_is_put_in_and_nothing_else_moves(code: str, name: str) -> None:
    around(code, name)


@pytest.mark.parametrize("module", MODULES)
def test_bodies_as_people_write_them_are_put_in(module: str) -> None:
    bodies = {f"f{number}": body for number, body in enumerate(stdlib_bodies(module))}
    skeleton = skeleton_of(*bodies)
    source = filled(skeleton, bodies)
    functions = {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}
    for name, body in bodies.items():
        assert dumped(functions[name].body[1:]) == dumped(ast.parse(body).body)
    assert codes_in(skeleton, source) == {"shared": placeholder("shared", GapKind.SHARED), **bodies}


def test_there_are_enough_bodies_to_put_in() -> None:
    bodies = [body for module in MODULES for body in stdlib_bodies(module)]
    assert len(bodies) >= 300
    assert sum('"""' in body or "'''" in body for body in bodies) >= 10


SHAREDS = {
    "functions": "def _f():\n    return 1\n\n\ndef _g(): pass",
    "comments around": "# before\n\n_x = 1\n\n# after",
    "a text": "_x = '''\n  a\n'''",
    "decorated": "@a\n@b\ndef _f():\n    return 1",
    "only a comment": "# nothing",
    "a class": "class _A:\n    x = 1",
    "a mark": '_x = "gap: shared"\n"gap: shared"',
}


@pytest.mark.parametrize("code", SHAREDS.values(), ids=SHAREDS.keys())
def test_definitions_go_where_the_gap_for_them_is(code: str) -> None:
    source = filled(SKELETON, {"shared": code})
    assert source == SOURCE.replace('\n"gap: shared"\n', f"\n{code}\n")
    found = codes_in(SKELETON, source)
    assert found is not None
    assert found["shared"] == code


@pytest.mark.parametrize("code", ["", " \n\t"])
def test_a_gap_for_what_is_shared_goes_with_its_blank_lines_where_nothing_is(code: str) -> None:
    source = filled(SKELETON, {"shared": code})
    assert source == SOURCE.replace('\n\n\n"gap: shared"\n', "\n")
    assert (codes_in(SKELETON, source) or {})["shared"] == ""


@pytest.mark.parametrize("shared", ["", "# a", "_x = 1"])
@pytest.mark.parametrize("view", ["return 1", "# a\nx = 1\n# b\n\n"])
def test_all_gaps_are_filled_and_read_back(shared: str, view: str) -> None:
    codes = {"shared": shared, "add_item": "# x\nreturn {}\n# y", "total": "return 1.0", "clear": "x = 1"}
    codes["add_item_view"] = view
    source = filled(SKELETON, codes)
    assert "gap: " not in source.replace('"gap: total" is', "").replace('"""gap: total"""', "")
    assert codes_in(SKELETON, source) == codes
    assert codes_in(SKELETON, SOURCE) == {g.name: placeholder(g.name, g.kind) for g in SKELETON.gaps}


LAST_OUT_OF_ORDER = '''\
"""A."""


def f():
    """F."""

    # Rendered.
    raise NotImplementedError("gap: f")
    # Rendered, too.


"gap: shared"


@a
def g():
    x = 1

    raise NotImplementedError("gap: g")

    # Also rendered.
    return x
# The end.'''


@pytest.mark.parametrize("shared", ["", "_x = 1", "@a\ndef _f(): pass", "# before\n\n_x = 1\n# after"])
def test_what_is_rendered_around_a_gap_stays(shared: str) -> None:
    gaps = (Gap("f", GapKind.BODY, ""), SHARED, Gap("g", GapKind.BODY, ""))
    skeleton = Skeleton(LAST_OUT_OF_ORDER, gaps)
    codes = {"f": "# a\nreturn 1", "shared": shared, "g": "\n# b\ny = '''\n'''\n# c"}
    source = filled(skeleton, codes)
    for kept in (
        "    # Rendered.\n",
        "    # Rendered, too.\n",
        "\n\n    # Also rendered.\n    return x\n# The end.",
    ):
        assert kept in source
    assert codes_in(skeleton, source) == codes


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace("Put a book", "Take a book"),
        lambda s: s.replace("_ids = itertools.count(1)\n", ""),
        lambda s: s.replace("import itertools", "import itertools\nimport os"),
        lambda s: s.replace("# What follows is rendered, too.", "# What follows is written."),
        lambda s: s + "\n\ndef more():\n    pass\n",
        lambda s: s.replace("def clear", "def clean"),
        lambda s: s.replace("def _known", "async def _known"),
        lambda s: s.replace("def total", "async def total"),
        lambda s: s.replace("    return 1.0\n", "    return 1.0\n  # left\n"),
        lambda s: s.replace("    return 1.0\n", ""),
        lambda s: s[: len(s) // 2],
        lambda s: s + "(",
        lambda s: s.replace("\n", "\r\n"),
        lambda s: s.replace("clear() -> None:", "clear() -> None: # x"),
        lambda s: "",
        lambda s: '"""A."""\n',
    ],
)  # fmt: skip
def test_what_is_not_the_skeleton_filled_is_not_read_back(change: object) -> None:
    source = filled(SKELETON, {"total": "return 1.0", "shared": ""})
    assert callable(change)
    assert codes_in(SKELETON, source) is not None
    assert change(source) != source
    assert codes_in(SKELETON, change(source)) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("total", "  return 1"),
        ("total", "return (\n"),
        ("total", "return 1\n  x = 2"),
        ("total", ""),
        ("total", "# nothing"),
        ("total", "x = 1\rreturn x"),
        # Its second line would be the module's.
        ("total", "x = 1\rprint(x)"),
        ("total", "break"),
        ("shared", "return 1"),
        ("shared", "  _x = 1"),
        ("total", "\0"),
        ("total", "'\ud800'"),
        ("total", "\n".join(f"{' ' * n}if {n}:" for n in range(99)) + f"\n{' ' * 99}return 1"),
    ],
)
def test_code_that_would_not_stay_in_its_gap_is_refused(name: str, code: str) -> None:
    with pytest.raises(UnusableAnswer):
        filled(SKELETON, {name: code})


def test_only_gaps_are_filled() -> None:
    with pytest.raises(KeyError):
        filled(SKELETON, {"other": "return 1"})
    assert filled(SKELETON, {}) == SOURCE


WORDS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}|[a-zéßµ中ª]{1,4}", fullmatch=True).filter(
    lambda word: word.isidentifier() and not keyword.iskeyword(word)
)
LETTERS = st.sampled_from(["a", "b2", "_c", "é", "ﬁ", "items", "print", "ª"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


def a_text(value: str) -> st.SearchStrategy[str]:
    """`value` in the ways that Python writes texts."""
    long = value.replace("\\", "").replace("'", "") + " "
    return st.sampled_from([repr(value), f"'''{long}'''", f"r'''{long}\n  '''", f"f'''\n\t{{1}}{long.translate({123: '', 125: ''})}'''"])  # fmt: skip  # noqa: E501


VALUES = st.one_of(
    LETTERS, st.integers().map(str), TEXTS.flatmap(a_text), LETTERS.map(lambda w: f"[\n{w},\n]")
)


def block(statement: str, margin: str) -> str:
    """`statement` inside another, where texts over several lines stay what they are by being left out."""
    return "\n".join(margin + line for line in statement.split("\n"))


SIMPLE = st.one_of(
    st.builds("{} = {}".format, LETTERS, VALUES),
    st.builds("return {}".format, VALUES),
    st.builds("{}  # {}".format, VALUES, st.from_regex("[a-z\"'#]*", fullmatch=True)),
    st.builds("{} += \\\n{}".format, LETTERS, LETTERS),
    st.just("pass"),
)
PLAIN = st.one_of(
    st.builds("{} = {}".format, LETTERS, LETTERS), st.builds("return {}".format, LETTERS), st.just("pass")
)
HEADS = st.one_of(
    st.builds("if {}:".format, LETTERS),
    st.builds("while {}:".format, LETTERS),
    st.builds("for {} in {}:".format, LETTERS, LETTERS),
    st.builds("with {} as {}:".format, LETTERS, LETTERS),
    st.builds("def {}({}):".format, LETTERS, LETTERS),
    st.builds("@{}\ndef {}():".format, LETTERS, LETTERS),
    st.builds("match {}:\n    case {}:".format, LETTERS, st.just("[1, 2]")),
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda head, body, margin: f"{head}\n{block(body, margin if 'match' not in head else '        ')}",
        HEADS,
        inner,
        st.sampled_from(["    ", "  ", "\t", "        "]),
    )


STATEMENTS = st.one_of(SIMPLE, st.recursive(PLAIN, compound, max_leaves=4))
CODES = st.lists(STATEMENTS, min_size=1, max_size=5).map("\n".join)


@given(
    names=st.lists(WORDS, min_size=1, max_size=4, unique_by=lambda w: ast.parse(w).body[0].value.id),  # type: ignore[attr-defined]
    codes=st.lists(CODES, min_size=4, max_size=4),
    description=TEXTS,
    parameters=st.lists(WORDS, max_size=3, unique=True),
    shared=st.one_of(st.just(""), WORDS.map(lambda w: f"def _{w}():\n    return '''\n  a'''")),
)
def test_any_code_is_put_in_and_read_back(
    names: list[str], codes: list[str], description: str, parameters: list[str], shared: str
) -> None:
    names = [name for name in names if name not in ("shared", "NotImplementedError")] or ["f"]
    said = repr(description)
    source = f"{said}\n\n\n{placeholder('shared', GapKind.SHARED)}\n"
    heads = {name: f"\n\ndef {name}({', '.join(dict.fromkeys(parameters))}):\n    {said}\n" for name in names}
    try:
        ast.parse("".join(f"{head}    pass\n" for head in heads.values()))
    except SyntaxError:  # two parameters are the same letters to Python
        heads = {name: f"\n\ndef {name}():\n    {said}\n" for name in names}
    source += "".join(f"{head}    {placeholder(name, GapKind.BODY)}\n" for name, head in heads.items())
    skeleton = Skeleton(source, (SHARED, *(Gap(name, GapKind.BODY, description) for name in names)))
    inside = dict(zip(names, codes, strict=False))
    try:
        for code in inside.values():
            compile(f"def f():\n if 1:\n  pass\n{block(code, ' ')}", "f", "exec")
            ast.parse(code)
    except SyntaxError:  # a parameter twice, `return` of nothing that can be, `x` in a class
        assume(False)
    result = filled(skeleton, {"shared": shared, **inside})
    expected = f"{said}\n" + (f"\n\n{shared}\n" if shared else "")
    assert result.startswith(expected)
    tree = ast.parse(result)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)][-len(names) :]
    for function, (name, code) in zip(functions, inside.items(), strict=True):
        assert heads[name] in result
        assert dumped(function.body[1:]) == dumped(ast.parse(code).body)
    assert codes_in(skeleton, result) == {"shared": shared, **inside}
    assert result.count("\n") == source.count("\n") + sum(
        code.count("\n") for code in (shared, *inside.values())
    ) - (0 if shared else 3)


def test_the_gaps_of_many_functions_are_filled_in_any_order() -> None:
    names = [f"f{n}" for n in range(50)]
    skeleton = skeleton_of(*names)
    codes = {name: f"x = '''\n{name}'''\nreturn x" for name in reversed(names)}
    source = filled(skeleton, codes)
    assert codes_in(skeleton, source) == {"shared": '"gap: shared"', **codes}
