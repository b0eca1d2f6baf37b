"""What each kind of file tells of a change: kind, severity, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare import Kind
from harness.compare.files import compare_files
from harness.compare.mismatch import Severity
from harness.compare.normalisation import Normaliser
from tests.compare.records import make_record

PY = (
    '"""Cart."""\n\n\ndef add(item: str, count: int = 1) -> int:\n    """Add."""\n    return 1\n'
    "\n\nclass Cart:\n    size = 1\n"
)
WEB = '@cart.route("/cart/<int:id>", methods=["GET", "POST"])\ndef show(id):\n    return "x"\n'
PAGE = '<p class="a" id="b">Hi {{ name }}</p>\n<script>let a = 1;</script>\n<pre>a  b</pre>\n'
CSS = "a > b, c d { color: red; margin: 1px }\n"
JS = "function f(a) {\n  return a + `x  y`;\n}\n"
JSON = '{"a": [1, {"b": true}], "c": 2.0}\n'
PINS = "Flask>=3\nredis==5\n"
COSMETIC, MINOR, MAJOR, BREAKING = Severity

# A path, what replaces what in which text, the severity, words of the sentence.
CASES: dict[str, tuple[str, str, str, str, Severity, str]] = {
    "a comment": ("a.py", PY, "return 1", "return 1  # one", COSMETIC, "in layout or comments only"),
    "a docstring": ("a.py", PY, '"Add."', '"Put in."', MINOR, "in docstrings only"),
    "docstrings gone": ("a.py", PY, '    """Add."""\n', "", MINOR, "in docstrings only"),
    "a body": ("a.py", PY, "return 1", "return 2", MAJOR, "(changed add)"),
    "a string that is no docstring": ("a.py", WEB, '"x"', '"y"', MAJOR, "(changed show)"),
    "a default": ("a.py", PY, "count: int = 1", "count: int = 2", MAJOR, "(changed add)"),
    "a new parameter with a default": ("a.py", PY, "= 1)", "= 1, how: int = 1)", MAJOR, "(changed add)"),
    "a removed parameter": (
        "a.py",
        PY,
        ", count: int = 1",
        "",
        BREAKING,
        "this breaks: add(count): Parameter was removed",
    ),
    "a renamed parameter": ("a.py", PY, "item:", "what:", BREAKING, "add(item): Parameter was removed"),
    "a required parameter": ("a.py", PY, " = 1)", ")", BREAKING, "add(count): Parameter is now required"),
    "a new required parameter": (
        "a.py",
        PY,
        "item: str",
        "item: str, b: int",
        BREAKING,
        "add(b): Parameter was added as required",
    ),
    "a removed function": ("a.py", PY, "def add", "def put", BREAKING, "add: Public object was removed"),
    "a removed class": ("a.py", PY, "class Cart", "class Box", BREAKING, "Cart: Public object was removed"),
    "a gap that is left open": (
        "a.py",
        PY,
        "return 1",
        'raise NotImplementedError("gap: add")',
        BREAKING,
        "this breaks: add is left open",
    ),
    "nothing in the place of a result": ("a.py", PY, "return 1", "pass", BREAKING, "add is left open"),
    "nothing where nothing is promised": (
        "a.py",
        "def close() -> None:\n    print(1)\n",
        "print(1)",
        "pass",
        MAJOR,
        "(changed close)",
    ),
    "a private function": ("a.py", "def _f(): pass\n", "_f", "_g", MAJOR, "(lost _f; gained _g)"),
    "a route": ("a.py", WEB, '"/cart/<', '"/carts/<', BREAKING, "GET /cart/<int:id> is no longer served"),
    "a method": ("a.py", WEB, ', "POST"', "", BREAKING, "this breaks: POST /cart/<int:id> is no longer"),
    "a placeholder": ("a.py", "@b.get('/<x>')\ndef _f(**k): pass\n", "<x>", "<y>", MAJOR, "changed _f"),
    "what only running would tell": (
        "a.py",
        "raise SystemExit(1)\n",
        "1",
        "2",
        MAJOR,
        "a.py differs: line 1",
    ),
    "broken source": ("a.py", PY, "def add(", "def add((", BREAKING, "and no longer compiles: line 4"),
    "broken source, mended": ("a.py", "def f((): pass", "((", "(", MAJOR, "a.py differs: line 1"),
    "an emptied source": (
        "a.py",
        PY,
        PY,
        "",
        BREAKING,
        "a.py is empty in the candidate; the control's has 10 lines",
    ),
    "an emptied text": (
        "a.txt",
        "one",
        "one",
        "",
        BREAKING,
        "is empty in the candidate; the control's has 1 line",
    ),
    "comments gone": ("a.py", "# one\n", "# one\n", "", COSMETIC, "in layout or comments only"),
    "two places": ("a.txt", "a\nb\nc\n", "a\nb\nc", "x\nb\ny", MAJOR, "instead of “a”; 1 more place differs"),
    "an endless nest in Python": ("a.py", f"x = {'(' * 5000}\n", "x", "y", MAJOR, "a.py differs: line 1"),
    "a long chain in Python": ("a.py", f"x = {'a.b' * 1}{'.b' * 5000}\n", "x", "y", MAJOR, "differs: line 1"),
    "layout of a page": (
        "a.html",
        PAGE,
        ">Hi",
        ">\n  <!-- now -->\n  Hi",
        COSMETIC,
        "in layout or comments only",
    ),
    "quotes of an attribute": ("a.html", PAGE, '"b"', "b", COSMETIC, "in layout or comments only"),
    "quotes in an attribute": ("a.html", PAGE, '"b"', "\"'b'\"", MAJOR, "a.html differs: line 1"),
    "order of attributes": (
        "a.html",
        PAGE,
        'class="a" id="b"',
        'id="b" class="a"',
        COSMETIC,
        "in the order of attributes only",
    ),
    "an attribute twice": (
        "a.html",
        "<p id=a id=b></p>",
        "id=a id=b",
        "id=b id=a",
        MAJOR,
        "a.html differs: line 1",
    ),
    "a template in a tag": (
        "a.html",
        "<p {{ b }} c></p>",
        "b }} c",
        "c }} b",
        MAJOR,
        "a.html differs: line 1",
    ),
    "words of a page": ("a.html", PAGE, "Hi", "Ho", MINOR, "in its words only"),
    "words where none were": ("a.html", "<p></p>", "<p>", "<p>Hi", MINOR, "in its words only"),
    "an expression of a template": (
        "a.html",
        PAGE,
        "{{ name }}",
        "{{ size }}",
        MAJOR,
        "a.html differs: line 1",
    ),
    "an attribute": ("a.html", PAGE, 'id="b"', 'id="c"', MAJOR, "a.html differs: line 1"),
    "an element": ("a.html", PAGE, "</p>", "</p><br>", MAJOR, "a.html differs: line 1"),
    "layout of a script in a page": ("a.html", PAGE, "a = 1", "a=1", COSMETIC, "in layout or comments only"),
    "a script in a page": ("a.html", PAGE, "a = 1", "a = 2", MAJOR, "a.html differs: line 2"),
    "blanks that are shown": ("a.html", PAGE, "a  b", "a b", MAJOR, "a.html differs: line 3"),
    "an endless nest in HTML": ("a.html", "<i>" * 200_000 + "a", "a", "b", MAJOR, "a.html differs: line 1"),
    "layout of a style sheet": ("a.css", CSS, " { ", "{ /* x */\n", COSMETIC, "in layout or comments only"),
    "a style": ("a.css", CSS, "red", "blue", MAJOR, "a.css differs: line 1"),
    "a number in a style": ("a.css", CSS, "1px", "2px", MAJOR, "a.css differs: line 1"),
    "a number without a unit": ("a.css", "a { top: 1.5 }", "1.5", "2.5", MAJOR, "a.css differs: line 1"),
    "a share": ("a.css", "a { top: 10% }", "10", "20", MAJOR, "a.css differs: line 1"),
    "another kind of page": (
        "a.html",
        "<!doctype html><p></p>",
        "html",
        "x",
        MAJOR,
        "a.html differs: line 1",
    ),
    "a blank that selects": ("a.css", "a :hover {}", "a :", "a:", MAJOR, "a.css differs: line 1"),
    "a blank before a bracket": (
        "a.css",
        "@media a and (b) {}",
        "and (",
        "and(",
        MAJOR,
        "a.css differs: line 1",
    ),
    "layout of a script": (
        "a.js",
        JS,
        "{\n  return a",
        "{ // x\n\treturn  a",
        COSMETIC,
        "in layout or comments",
    ),
    "a script": ("a.js", JS, "a +", "a -", MAJOR, "a.js differs: line 2"),
    "blanks in a string": ("a.js", JS, "x  y", "x y", MAJOR, "a.js differs: line 2"),
    "a line end that ends a statement": ("a.js", JS, "return a", "return\na", MAJOR, "a.js differs: line 2"),
    "a line end that is forbidden": (
        "a.js",
        "throw a;",
        "throw a",
        "throw\na",
        MAJOR,
        "a.js differs: line 1",
    ),
    "a broken script": ("a.js", JS, ") {", ") ", MAJOR, "a.js differs: line 1"),
    "an endless nest in JavaScript": (
        "a.js",
        "[" * 50_000 + "]" * 50_000 + ";\na;",
        "a;",
        "a; // x",
        COSMETIC,
        "in layout or comments only",
    ),
    "a broken script, laid out": ("a.js", "f(", "f(", "f (", MAJOR, "a.js differs: line 1"),
    "a template in a comment": ("a.html", "<!-- {{ a }} --><p></p>", "a }", "b }", MAJOR, "a.html differs"),
    "order of keys": (
        "a.json",
        '{"a": 1, "b": 2}',
        '"a": 1, "b": 2',
        '"b":2,"a":1',
        COSMETIC,
        "in the order of keys or in layout only",
    ),
    "a value": ("a.json", JSON, "2.0", "3", MAJOR, "a.json differs at c: line 1"),
    "a value inside": ("a.json", JSON, "true", "1", MAJOR, "a.json differs at a[1][b]: line 1"),
    "a number of another type": ("a.json", JSON, "2.0", "2", MAJOR, "a.json differs"),
    "a key twice": ("a.json", '{"a":1,"a":2}', '"a":1,"a":2', '"a":2', MAJOR, "a.json differs: line 1"),
    "numbers too large": ("a.json", "[1e400]", "400", "401", MAJOR, "a.json differs: line 1"),
    "no JSON": ("a.json", "[NaN]", "[NaN]", "[NaN ]", MAJOR, "a.json differs: line 1"),
    "an endless nest in JSON": ("a.json", "[" * 100_000, "[[", "[ [", MAJOR, "a.json differs: line 1"),
    "order of requirements": (
        "requirements.txt",
        PINS,
        PINS,
        "redis==5\nFlask>=3\n",
        COSMETIC,
        "in the order of lines only",
    ),
    "a requirement": ("requirements.txt", PINS, "==5", "==6", MAJOR, "requirements.txt differs: line 2"),
    "a requirement twice": (
        "requirements.txt",
        PINS,
        "redis",
        "Flask>=3\nredis",
        MAJOR,
        "differs: before line 2",
    ),
    "a comment on requirements": (
        "requirements.txt",
        PINS,
        "==5",
        "==5  # y",
        COSMETIC,
        "in layout or comments",
    ),
    "an address in requirements": ("requirements.txt", "a @ b#c\n", "#c", "#d", MAJOR, "differs: line 1"),
    "options of requirements": (
        "requirements.txt",
        "-r a\nb\n",
        "-r a\nb\n",
        "b\n-r a\n",
        MAJOR,
        "requirements.txt differs",
    ),
    "order of other lines": ("notes.txt", "a\nb\n", "a\nb\n", "b\na\n", MAJOR, "notes.txt differs"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_with_its_severity(case: str, tmp_path: Path) -> None:
    path, text, old, new, severity, words = CASES[case]
    assert old in text
    control = make_record(tmp_path / "control", files={path: text})
    candidate = make_record(tmp_path / "candidate", files={path: text.replace(old, new, 1)})
    (mismatch,) = compare_files(control, candidate, Normaliser(control, candidate))
    assert (mismatch.kind is Kind.COSMETIC) == (severity is Severity.COSMETIC)
    assert mismatch.severity is severity
    assert words in mismatch.sentence
    assert mismatch.sentence.isprintable()


@pytest.mark.parametrize(
    ("ours", "theirs", "severities"),
    [
        ({"a.py": "1"}, {}, [BREAKING]),
        ({}, {"a.py": "1"}, [MINOR]),
        ({"a.py": "1"}, {"A.py": "1"}, [BREAKING]),
        ({"a.py": "def f(): 1", "b.py": "2"}, {"a.py": "2", "b.py": "def f(): 1"}, [BREAKING]),
        ({"a.py": "1", "b.py": "def f(): 1"}, {"a.py": "def f(): 1", "b.py": "1"}, [BREAKING]),
        ({"a.css": "a {}", "b.css": "b {}"}, {"a.css": "b {}", "b.css": "b {}"}, [MAJOR]),
        ({"a.py": "def f(): 1", "b.py": "2"}, {"a.py": "2", "b.py": "2"}, [BREAKING]),
        ({"a.txt": "1\n2"}, {"a.txt": "1\r\n2"}, [COSMETIC]),
        ({"a.py": b"\xff"}, {"a.py": b"\xfe"}, [MAJOR]),
    ],
)
def test_whole_files_have_a_severity(
    ours: dict[str, str | bytes],
    theirs: dict[str, str | bytes],
    severities: list[Severity],
    tmp_path: Path,
) -> None:
    control = make_record(tmp_path / "control", files=ours)
    candidate = make_record(tmp_path / "candidate", files=theirs)
    found = compare_files(control, candidate, Normaliser(control, candidate))
    assert [mismatch.severity for mismatch in found] == severities
