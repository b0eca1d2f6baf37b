"""Reading and checking what a model answers for a gap: what is taken, what is refused, and why."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest

from agents.agent_developer import fill
from agents.conversation import UnusableAnswer
from agents.gap_answer import check_gap, read_code, read_gap, said_in_json, used_modules
from agents.gaps import Gap, GapKind, Skeleton
from tests.agents.rendered import ADD_ITEM, CLEAR, SHARED, SKELETON, TOTAL, VIEW, said
from tests.agents.scripted import reading
from tests.agents.shop import CART, INPUTS

MODULES = (
    "the modules that may be used are catalog, base64, bisect, collections, copy, csv, dataclasses, "
    "datetime, decimal, enum, functools, hashlib, heapq, hmac, html, io, itertools, json, math, operator, "
    "random, re, secrets, statistics, string, textwrap, time, unicodedata, uuid"
)
IMPORTS = "imports are written for you; use the modules that are listed by their plain names, and no others"
FORM = 'answer with one JSON object, such as {"code": "return 1"}, and nothing else'


def refusal(text: str, gap: Gap, shared: str = "") -> str:
    with pytest.raises(UnusableAnswer) as caught:
        read_gap(text, gap, SKELETON, shared)
    return str(caught.value)


WRONG_BODIES = {
    "not Python": ("return (", "the code is not valid Python: line 1: '(' was never closed: return ("),
    "indented by half": (
        "rows = items\n  return rows",
        "the code is not valid Python: line 2: unexpected indent: return rows",
    ),
    "empty": ("", "the body of total does nothing; write what it must do"),
    "only pass": ("# later\npass", "the body of total does nothing; write what it must do"),
    "only a text": ('"gap: total"', "the body of total does nothing; write what it must do"),
    "not written yet": ("raise NotImplementedError", "the body of total does nothing; write what it must do"),
    "its own mark": (
        'raise NotImplementedError("gap: total")',
        "the body of total does nothing; write what it must do; "
        "line 1: this is the mark of a gap; write what belongs there",
    ),
    "the mark of another": (
        'if items:\n    raise NotImplementedError("gap: clear")\nreturn 0.0',
        "line 2: this is the mark of a gap; write what belongs there",
    ),
    "nothing returned": (
        "for item in items:\n    print(item)",
        "total must return float, and nothing is returned",
    ),
    "only None returned": ("return None", "total must return float, and nothing is returned"),
    "an import": ("import os\nreturn os.getpid()", f"line 1: {IMPORTS}"),
    "a star import": (
        "from math import *\nreturn pi",
        f"the code cannot stand there: line 1: import * only allowed at module level; line 1: {IMPORTS}",
    ),
    "a global": (
        "global _rows\n_rows = {}\nreturn 0.0",
        "line 1: no global or nonlocal (_rows); "
        "line 2: _rows belongs to the module; take another name for what is local",
    ),
    "an unknown name": ("return cart", f"not in scope: cart; {MODULES}"),
    "two unknown names": ("return price(items) + tax", f"not in scope: price, tax; {MODULES}"),
    "a module that is none of the list": ("return os.stat('.')", f"not in scope: os; {MODULES}"),
    "not in the API": (
        "return catalog.price(items)",
        "line 1: price is not in the API of catalog, which has find_book",
    ),
    "not in the library": (
        "return math.average(items)",
        "line 1: average is nothing that math offers for use here",
    ),
    "another name for a module": (
        "m = math\nreturn m.pi",
        "line 1: math is a module; use what it offers, as math.name",
    ),
    "a module's name": (
        "catalog = catalog.find_book(1)\nreturn catalog",
        "line 1: catalog belongs to the module; take another name for what is local",
    ),
    "the name of a function": (
        "total = 0.0\nreturn total",
        "line 1: total belongs to the module; take another name for what is local",
    ),
    "handler": (
        "try:\n    return 1.0\nexcept ValueError as total:\n    raise",
        "line 3: total belongs to the module; take another name for what is local",
    ),
    "walrus": (
        "found = [(_rows := item) for item in items]\nreturn found",
        "line 1: _rows belongs to the module; take another name for what is local",
    ),
    "pattern": (
        "match items:\n    case [*_rows]:\n        return 1.0",
        "line 2: _rows belongs to the module; take another name for what is local",
    ),
    "deleted": (
        "del _rows\nreturn 1.0",
        "line 1: _rows belongs to the module; take another name for what is local",
    ),
    "a generator": ("yield 1.0\nreturn 1.0", "total is an ordinary function: no yield, no await"),
    "a generator by a default": (
        "def inner(x=(yield)):\n    return x\nreturn inner()",
        "total is an ordinary function: no yield, no await",
    ),
    "asynchronous": (
        "async def inner():\n    return 1\nreturn inner()",
        "line 1: no asynchronous functions",
    ),
    "await": (
        "return await items",
        "the code cannot stand there: line 1: 'await' outside async function",
    ),
    "break": ("break\nreturn 1.0", "the code cannot stand there: line 1: 'break' outside loop"),
    "eval": ("return eval('1')", "line 1: eval is not to be used"),
    "eval in other letters": ("return ｅｖａｌ('1')", "line 1: eval is not to be used"),
    "eval by another name": ("run = exec\nreturn run('1')", "line 1: exec is not to be used"),
    "__import__": ("return __import__('os')", "line 1: __import__ is not to be used"),
    "a file": ("return open('a')", "line 1: open is not to be used"),
    "a file by io": ("return io.open('a')", "line 1: open is nothing that io offers for use here"),
    "a module's modules": (
        "return json.codecs.open('a')",
        "line 1: codecs is nothing that json offers for use here",
    ),
    "the system": (
        "return uuid.os.getpid()",
        "line 1: os is not to be used; line 1: os is nothing that uuid offers for use here",
    ),
    "a dunder": ("return items.__class__", "line 1: __class__ is not to be used"),
    "a dunder in other letters": ("return items.__ｃlass__", "line 1: __class__ is not to be used"),
    "a dunder in a pattern": (
        "match items:\n    case object(__class__=found):\n        return found",
        "line 2: __class__ is not to be used",
    ),
    "a dunder in a format": (
        'return "{0.__class__}".format(items)',
        "line 1: __class__ is not to be used, nor in a text",
    ),
    "a dunder in a mapping": (
        'return "{a.__init__.x}".format_map({"a": items})',
        "line 1: __init__ is not to be used, nor in a text",
    ),
    "a frame": ("return (x for x in items).gi_frame", "line 1: gi_frame is not to be used"),
    "a frame in a format": (
        'return "{0.gi_frame.x}".format(x for x in items)',
        "line 1: .gi_frame is not to be used, nor in a text",
    ),
    "a route": (
        '@blueprint.get("/all")\ndef all_items():\n    return "x"\nreturn 1.0',
        "line 1: every route is written for you; blueprint is not to be used",
    ),
    "a file's own names": ("return __file__", f"not in scope: __file__; {MODULES}"),
    "NUL": (
        "return '\0'",
        "the code is not valid Python: line 1: source code string cannot contain null bytes: ",
    ),
    "no Unicode": ("return '\ud800'", "the code holds characters that are not Unicode text"),
    "on one line with its head": (
        "def total(\n    items, credits\n): return 1.0",
        "give the body of total alone, its statements a line each",
    ),
    "functions in functions": (
        f"return {'lambda: ' * 60}1",
        "functions stand in functions, more than 50 deep",
    ),
    "too long": ("x = 1\n" * 4_000, "the code has 24000 characters; at most 20000 go into a gap"),
    "parentheses": (
        "(" * 300,
        f"the code is not valid Python: line 1: too many nested parentheses: {'(' * 300}",
    ),
    "much at once": (
        "import os\nx = eval(items.__class__)\nreturn price",
        f"not in scope: price; {MODULES}; line 1: {IMPORTS}; line 2: __class__ is not to be used; "
        "line 2: eval is not to be used",
    ),
}


@pytest.mark.parametrize(("code", "reason"), WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_a_body_that_may_not_stand_there_is_refused_with_what_is_wrong(code: str, reason: str) -> None:
    assert refusal(said(code), TOTAL) == reason


WRONG_SHARED = {
    "public": ("limit = 3", "line 1: limit must begin with one underscore, as what is private does"),
    "mangled": ("__limit = 3", "line 1: __limit must begin with one underscore, as what is private does"),
    "there already": ("_rows = {}", "line 1: _rows is there already; use it, or take another name"),
    "twice": ("_a = 1\n\n\ndef _a():\n    return 1", "line 1: _a is defined 2 times"),
    "a statement": (
        "print(1)",
        "line 1: only private functions, classes and data are defined here, one by one",
    ),
    "a mark": (
        '"gap: shared"',
        "line 1: only private functions, classes and data are defined here, one by one",
    ),
    "hidden in an if": (
        "if True:\n    _a = 1",
        "line 1: only private functions, classes and data are defined here, one by one; "
        "line 2: _a is bound on the way; define it in a statement of its own",
    ),
    "bound on the way": (
        "_a = (public := 3)",
        "line 1: public is bound on the way; define it in a statement of its own",
    ),
    "bound on the way by a comprehension": (
        "_a = [public := x for x in (1, 2)]",
        "line 1: public is bound on the way; define it in a statement of its own",
    ),
    "bound on the way by a default": (
        "def _a(x=(public := 3)):\n    return x",
        "line 1: public is bound on the way; define it in a statement of its own",
    ),
    "no value": ("_a: int", "line 1: what is shared has a value"),
    "before the module": (
        "_a = _known(1)",
        "line 1: _known is used before it is defined, for this runs on import",
    ),
    "decorated before": (
        "@add_item\ndef _f():\n    return 1",
        "line 1: add_item is used before it is defined, for this runs on import",
    ),
    "before itself": (
        "def _f(x=_f):\n    return x",
        "line 1: _f is used before it is defined, for this runs on import",
    ),
    "before its class": (
        "class _A:\n    b = [_B for x in (1, 2)]\n\n\nclass _B:\n    pass",
        "line 2: _B is used before it is defined, for this runs on import",
    ),
    "an import": ("from os import *", f"line 1: {IMPORTS}"),
    "an import that is used": ("import os\n_a = os.sep", f"line 1: {IMPORTS}"),
    "a route": (
        '@blueprint.get("/all")\ndef _all():\n    return "x"',
        "line 1: every route is written for you; blueprint is not to be used",
    ),
    "return": (
        "return 1",
        "the code cannot stand there: line 1: 'return' outside function; "
        "line 1: only private functions, classes and data are defined here, one by one",
    ),
    "unknown": ("def _f() -> Optional[int]:\n    return 1", f"not in scope: Optional; {MODULES}"),
}


@pytest.mark.parametrize(("code", "reason"), WRONG_SHARED.values(), ids=WRONG_SHARED.keys())
def test_what_may_not_be_shared_is_refused_with_what_is_wrong(code: str, reason: str) -> None:
    assert refusal(said(code), SHARED) == reason


WRONG_FORMS = {
    "prose": ("I would add it up.", FORM),
    "a list": ("[1]", FORM),
    "another key": (
        '{"body": "return 1"}',
        "the JSON object must have the key 'code', whose value is a text",
    ),
    "no text": ('{"code": ["return 1"]}', "the JSON object must have the key 'code', whose value is a text"),
    "a quote": (
        '{"code": "return "x""}',
        "the JSON cannot be read (Expecting ',' delimiter: line 1 column 19); a quote in a text is "
        f'written \\"; {FORM}',
    ),
    "more behind it": (
        '{"code": "return 1.0"} This adds it up.',
        f"the JSON cannot be read (Extra data: line 1 column 24); {FORM}",
    ),
    "a quote in a fence without a language": (
        '```\n{"code": "return 1.0"\n```',
        "the JSON cannot be read (Expecting ',' delimiter: line 1 column 22); a quote in a text is "
        f'written \\"; {FORM}',
    ),
    "two blocks": ("```python\nreturn 1.0\n```\n```python\nreturn 2.0\n```", FORM),
}


@pytest.mark.parametrize(("text", "reason"), WRONG_FORMS.values(), ids=WRONG_FORMS.keys())
def test_an_answer_in_another_form_is_refused_with_the_right_one(text: str, reason: str) -> None:
    assert refusal(text, TOTAL) == reason


def test_the_reason_is_what_the_model_is_told() -> None:
    steps = fill(CART, INPUTS, TOTAL, SKELETON, "", [])
    assert reading(steps, said("return eval('1')")).reason == "line 1: eval is not to be used"


def test_of_very_many_things_that_are_wrong_the_first_are_said() -> None:
    reason = refusal(said("import os\n" * 1_000 + "return 1.0"), TOTAL)
    assert reason == "; ".join([*(f"line {n}: {IMPORTS}" for n in range(1, 13)), "and 988 more"])


RIGHT = {
    "plain": ("return sum(items) - credits", "return sum(items) - credits"),
    "fenced": ("```python\nreturn 1.0\n```", "return 1.0"),
    "a fence in it": ("return 1.0  # ```", "return 1.0  # ```"),
    "whole function": ('def total(items, *, credits=0.0):\n    """It."""\n    return 1.0', "return 1.0"),
    "whole with decorated function": (
        "def total(items):\n    @functools.cache\n    def one():\n        return 1.0\n    return one()",
        "@functools.cache\ndef one():\n    return 1.0\nreturn one()",
    ),
    "indented": ("    # Adds.\n    return 1.0", "# Adds.\nreturn 1.0"),
    "tabs": ("if items:\n\treturn 1.0\nreturn 2.0", "if items:\n        return 1.0\nreturn 2.0"),
    "form feeds": ("\fif items:\n\f    return 1.0\nreturn 2.0", "if items:\n    return 1.0\nreturn 2.0"),
    "CRLF": ("x = 1.0\r\nreturn x\r\n", "x = 1.0\nreturn x"),
    "CR": ("x = 1.0\rreturn x\r", "x = 1.0\nreturn x"),
    "BOM": ("\ufeffreturn 1.0", "return 1.0"),
    "a cookie": ("# coding: latin-1\nreturn len('é')", "# coding: latin-1\nreturn len('é')"),
    "braces": ("return {{1}} or '{{ x }}{% y %}'", "return {{1}} or '{{ x }}{% y %}'"),
    "markup": ("return '</script>'", "return '</script>'"),
    "three quotes": ('x = """a\n  b"""\nreturn len(x)', 'x = """a\n  b"""\nreturn len(x)'),
    "a parameter that is called as what may not be used": ("return credits", "return credits"),
    "a variable that is": ("license = 1.0\nreturn license", "license = 1.0\nreturn license"),
    "the name of a class": ("return type(items).__name__", "return type(items).__name__"),
    "above it": (
        "class Odd(ValueError):\n    def __init__(self):\n        super().__init__('odd')\nraise Odd",
        "class Odd(ValueError):\n    def __init__(self):\n        super().__init__('odd')\nraise Odd",
    ),
    "exec as a method": ("return items.exec()", "return items.exec()"),
    "modules": (
        "return math.fsum(items) + catalog.find_book(1)",
        "return math.fsum(items) + catalog.find_book(1)",
    ),
    "a class of the library's": (
        "return isinstance(items, collections.abc.Sequence)",
        "return isinstance(items, collections.abc.Sequence)",
    ),
    "a docstring that names what may not be used": (
        'def one():\n    """As __init__ does."""\n    return 1.0\nreturn one()',
        'def one():\n    """As __init__ does."""\n    return 1.0\nreturn one()',
    ),
    "only raises": ("raise ValueError(items)", "raise ValueError(items)"),
}


@pytest.mark.parametrize(("code", "read"), RIGHT.values(), ids=RIGHT.keys())
def test_code_is_read_as_it_was_meant(code: str, read: str) -> None:
    assert read_gap(said(code), TOTAL, SKELETON) == read
    assert json.loads(said(code))["code"] == code


@pytest.mark.parametrize(
    "text",
    [
        '{"code": "return 1.0"}',
        '```json\n{"code": "return 1.0"}\n```',
        'Here it is:\n```json\n{"code": "return 1.0"}\n```\nIt adds.',
        "```python\nreturn 1.0\n```",
        "```\n    return 1.0\n```",
        '{"code": "return 1.0", "why": "so"}',
    ],
)
def test_an_answer_is_taken_in_the_forms_that_models_give(text: str) -> None:
    assert read_gap(text, TOTAL, SKELETON) == "return 1.0"


def test_a_raw_line_end_in_a_text_is_one() -> None:
    assert read_gap('{"code": "x = 1.0\nreturn x"}', TOTAL, SKELETON) == "x = 1.0\nreturn x"


@pytest.mark.parametrize("code", ["", "pass", "# none is needed", "\n \n"])
def test_where_nothing_is_shared_the_code_is_empty(code: str) -> None:
    assert read_gap(said(code), SHARED, SKELETON) == ""


@pytest.mark.parametrize(
    "code",
    [
        "_LIMIT = 3\n_MORE = _LIMIT + 1",
        "_PRICES: dict[int, float] = {}",
        "def _f(x: Any = None) -> float:\n    return _g(x)\n\n\ndef _g(x):\n    return add_item(x)",
        "@functools.cache\ndef _f():\n    return _known(1)",
        "@dataclasses.dataclass\nclass _A:\n    x: int = 0\n    y: _B = None\n\n\nclass _B:\n    pass",
        "_later = lambda: add_item(1)",
    ],
)
def test_private_definitions_can_be_shared(code: str) -> None:
    assert read_gap(said(code), SHARED, SKELETON) == code


def test_a_body_may_use_what_is_shared_and_not_take_its_name() -> None:
    shared = "def _price(x):\n    return 1.0"
    read_gap(said("return _price(items)"), TOTAL, SKELETON, shared)
    assert refusal(said("return _price(items)"), TOTAL) == f"not in scope: _price; {MODULES}"
    reason = "line 1: _price belongs to the module; take another name for what is local"
    assert refusal(said("_price = 1.0\nreturn _price"), TOTAL, shared) == reason


def test_what_is_shared_already_stays_there() -> None:
    """The bodies that use it were accepted with it."""
    read_gap(said("_b = 2\n_a = 1"), SHARED, SKELETON, "_a = 1")
    reason = "_a is missing; the functions of the module may use it already"
    assert refusal(said("_b = 2"), SHARED, "_a = 1") == reason
    assert refusal(said(""), SHARED, "_a = 1") == reason


def test_a_function_that_returns_nothing_need_not_return() -> None:
    assert read_gap(said("_rows.clear()"), CLEAR, SKELETON) == "_rows.clear()"


def test_the_parameters_of_a_view_are_those_of_its_function() -> None:
    """Its gap names no signature; what stands before it in the function is in scope, too."""
    code = 'return jsonify(add_item(book_id, given["count"]))'
    assert read_gap(said(code), VIEW, SKELETON) == code


def test_modules_are_used_where_nothing_else_has_their_names() -> None:
    used = used_modules("return add_item(math.floor(catalog.find_book(1)))", ADD_ITEM, SKELETON)
    assert used == {"math", "catalog"}
    assert used_modules("math = 1\nreturn {'a': math}", ADD_ITEM, SKELETON) == set()
    assert used_modules("return (lambda json: json)(1)", ADD_ITEM, SKELETON) == set()
    assert used_modules("def f():\n    return json.dumps(1)\nreturn f()", ADD_ITEM, SKELETON) == {"json"}
    assert used_modules("_A = re.compile('a')", SHARED, SKELETON) == {"re"}


def test_a_module_that_is_not_imported_yet_keeps_its_name() -> None:
    """As a variable, it would be used before it is bound."""
    skeleton = Skeleton(SKELETON.source.replace("import catalog\n", ""), SKELETON.gaps, SKELETON.modules)
    read_gap(said("return catalog.find_book(1)"), TOTAL, skeleton)
    with pytest.raises(UnusableAnswer, match="line 1: catalog is a module; take another name"):
        read_gap(said("catalog = catalog.find_book(1)\nreturn catalog"), TOTAL, skeleton)


def test_a_parameter_may_have_the_name_of_a_function_and_be_bound_anew() -> None:
    source = 'def f(g) -> int:\n    raise NotImplementedError("gap: f")\n\n\ndef g() -> int:\n    return 1\n'
    gap = Gap("f", GapKind.BODY, "")
    skeleton = Skeleton(f'"""A."""\n\n\n{source}', (gap,))
    assert read_gap(said("g = g or 1\nreturn g"), gap, skeleton) == "g = g or 1\nreturn g"


def test_no_other_module_is_asked_for_its_routes() -> None:
    reason = "line 1: blueprint is not in the API of catalog, which has find_book"
    assert refusal(said("return catalog.blueprint"), TOTAL) == reason


def test_a_function_with_the_name_of_a_module_is_the_function() -> None:
    source = '"""A."""\n\n\ndef statistics() -> dict:\n    raise NotImplementedError("gap: statistics")\n'
    gap = Gap("statistics", GapKind.BODY, "Counts.", "statistics() -> dict")
    skeleton = Skeleton(source, (gap,), {"random": frozenset({"roll"})})
    assert "statistics" not in skeleton.usable_modules
    assert skeleton.usable_modules.count("random") == 1
    assert used_modules("return statistics()", gap, skeleton) == set()
    read_gap(said("return {'a': random.roll(), 'b': statistics()}"), gap, skeleton)
    with pytest.raises(UnusableAnswer, match="choice is not in the API of random"):
        read_gap(said("return random.choice([1])"), gap, skeleton)


def test_only_an_object_is_read_from_json() -> None:
    assert said_in_json('{"a": [1]}') == {"a": [1]}
    assert said_in_json("{}") == {}
    assert said_in_json('[{"a": 1}]') == {}
    assert said_in_json("[" * 100_000) == {}


MOST = 19_950
HEAVY = {
    "parentheses": "(" * MOST,
    "brackets": "f(" * (MOST // 2),
    "minus": "-" * MOST + "1",
    "attributes": "items" + ".b" * (MOST // 2 - 10),
    "not": "not " * (MOST // 4) + "1",
    "targets": "x=" * (MOST // 2) + "1",
    "elif": "if items: pass\n" + "elif items: pass\n" * 1_100,
    "lambda": "lambda:" * 2_800 + "1",
    "sum": "return " + "1+" * 2_900 + "1",
    "long sum": "return " + "1+" * 9_900 + "1",
    "items": "items" + "[0]" * 6_000,
    "decorators": "@items\n" * 2_800 + "def f(): pass",
    "escaped quotes": "\\'" * (MOST // 2),
    "escaped quotes, indented": "    " + "\\'" * (MOST // 2),
    "conditions": "return " + "1 if 1 else " * 1_600 + "1",
    "braces": "{" * MOST,
    "f-strings": "f'" + '{f"' * 6_000,
    "statements": "x\n" * (MOST // 2),
    "blocks": "\n".join(" " * n + "if 1:" for n in range(190)),
    "indented": "    return (\n" + "1,\n" * 6_000 + ")",
    "a number": "return 0x" + "f" * 9_000,
    "imports": "import os\n" * 1_900,
    "backticks": "`" * MOST,
    "tabs": "\t" * MOST + "x",
    "very many statements": "x = 1\n" * 20_000,
    "more than an answer": "x = 1\n" * 100_000,
}


@pytest.mark.parametrize("code", HEAVY.values(), ids=HEAVY.keys())
def test_an_answer_that_is_made_to_be_heavy_is_read_at_once(code: str) -> None:
    began_s = time.process_time()
    with suppress(UnusableAnswer):  # some are right
        read_gap(said(code), TOTAL, SKELETON)
    if len(code) > 20_000:
        with pytest.raises(UnusableAnswer, match="characters"):
            check_gap(code, TOTAL, SKELETON)
    assert time.process_time() - began_s < 5


def test_a_chain_of_conditions_and_a_number_may_be_long() -> None:
    chain = "if not items:\n    return 0.0\n" + "elif items:\n    return 1.0\n" * 700
    assert read_gap(said(chain), TOTAL, SKELETON) == chain.rstrip()
    read_gap(said(HEAVY["a number"]), TOTAL, SKELETON)


def test_code_alone_is_read_without_being_checked() -> None:
    assert read_code(said("return unknown"), TOTAL) == "return unknown"
    with pytest.raises(UnusableAnswer, match="24000 characters"):
        read_code(said("x = 1\n" * 4_000), TOTAL)
