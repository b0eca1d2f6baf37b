"""The files layer: each way in which generated files can differ, with its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.compare import Kind, Mismatch
from harness.compare.files import compare_files
from harness.compare.normalisation import Normaliser
from tests.compare.records import make_record

Files = Mapping[str, str | bytes]


def compared(tmp_path: Path, ours: Files, theirs: Files) -> list[Mismatch]:
    control = make_record(tmp_path / "control", files=ours)
    candidate = make_record(tmp_path / "candidate", files=theirs)
    return list(compare_files(control, candidate, Normaliser(control, candidate)))


SOURCE = '"""Cart."""\n\n\ndef add(item: str) -> int:\n    return 1\n\n\ndef total() -> int:\n    return 2\n'

# What the control and the candidate left, the kinds, the first sentence.
CASES: dict[str, tuple[Files, Files, list[Kind], str]] = {
    "missing": (
        {"a.py": "1", "b.py": "2"},
        {"a.py": "1"},
        [Kind.MISSING],
        "b.py is missing in the candidate",
    ),
    "extra": ({"a.py": "1"}, {"a.py": "1", "b.py": "2"}, [Kind.EXTRA], "b.py is only in the candidate"),
    "swapped": (
        {"a.py": "1", "b.py": "2", "c.py": "3"},
        {"a.py": "2", "b.py": "1", "c.py": "3"},
        [Kind.SWAPPED],
        "a.py and b.py have each other's content",
    ),
    "another's content": (
        {"a.py": "1", "b.py": "2"},
        {"a.py": "2", "b.py": "2"},
        [Kind.CHANGED],
        "a.py has the content that belongs in b.py",
    ),
    "turned round": (
        {"a.py": "1", "b.py": "2", "c.py": "3"},
        {"a.py": "2", "b.py": "3", "c.py": "1"},
        [Kind.CHANGED] * 3,
        "a.py has the content that belongs in b.py",
    ),
    "other case": (
        {"templates/cart.html": "1"},
        {"templates/Cart.html": "1"},
        [Kind.RENAMED],
        "templates/cart.html is called templates/Cart.html in the candidate",
    ),
    "other case and content": (
        {"cart.py": "1"},
        {"Cart.py": "2"},
        [Kind.RENAMED],
        "cart.py is called Cart.py in the candidate, and holds something else",
    ),
    "other name": (
        {"a.py": "1", "cart.py": "2"},
        {"a.py": "1", "basket.py": "2"},
        [Kind.RENAMED],
        "cart.py is called basket.py in the candidate",
    ),
    "empty files are not renamed": (
        {"a.txt": ""},
        {"b.txt": ""},
        [Kind.MISSING, Kind.EXTRA],
        "a.txt is missing",
    ),
    "emptied": (
        {"a.py": "x = 1\n", "b.py": ""},
        {"a.py": "", "b.py": ""},
        [Kind.CHANGED],
        "a.py is empty in the candidate; the control's has 1 line",
    ),
    "a line of text": (
        {"a.html": "<p>\none\n</p>"},
        {"a.html": "<p>\ntwo\n</p>"},
        [Kind.CHANGED],
        "a.html differs in its words only: line 2 is “two” instead of “one”",
    ),
    "a changed function": (
        {"a.py": SOURCE},
        {"a.py": SOURCE.replace("return 2", "return 3")},
        [Kind.CHANGED],
        "a.py differs (changed total): line 9 is “return 3” instead of “return 2”",
    ),
    "a lost and a new function": (
        {"a.py": SOURCE},
        {"a.py": SOURCE.replace("def total", "def summed")},
        [Kind.CHANGED],
        "a.py differs (lost total; gained summed): line 8 is",
    ),
    "many changed functions": (
        {"a.py": "".join(f"def f{i}(): return 1\n" for i in range(5))},
        {"a.py": "".join(f"def f{i}(): return 2\n" for i in range(5))},
        [Kind.CHANGED],
        "a.py differs (changed f0, f1, f2 and 2 more): line 1 is “def f0(): return 2” and 4 more instead of",
    ),
    "a statement outside of functions": (
        {"a.py": "X = 1\n"},
        {"a.py": "X = 2\n"},
        [Kind.CHANGED],
        "a.py differs: line 1 is “X = 2” instead of “X = 1”",
    ),
    "layout of source": (
        {"a.py": SOURCE},
        {"a.py": SOURCE.replace("\n\n\ndef", "\n\ndef")},
        [Kind.COSMETIC],
        "a.py differs in layout or comments only: line 3 is missing: “”",
    ),
    "a comment": (
        {"a.py": SOURCE},
        {"a.py": SOURCE + "# the end\n"},
        [Kind.COSMETIC],
        "a.py differs in layout or comments only: before line 10 is added: “# the end”",
    ),
    "line ends": (
        {"a.html": "one\ntwo\n"},
        {"a.html": "one\r\ntwo"},
        [Kind.COSMETIC],
        "a.html differs in its line ends only",
    ),
    "a separator that is no line end": (
        {"a.txt": "one\ntwo"},
        {"a.txt": "one\u2028two"},
        [Kind.CHANGED],
        r"a.txt differs: line 1 is “one\u2028two” instead of “one” and 1 more",
    ),
    "bytes": (
        {"a.png": b"\xff\xfe"},
        {"a.png": b"\xff\xfd"},
        [Kind.CHANGED],
        "a.png differs (it is not text)",
    ),
    "source that does not compile": (
        {"a.py": "def ("},
        {"a.py": "def )"},
        [Kind.CHANGED],
        "a.py differs: line 1 is “def )” instead of “def (”",
    ),
    "source that nests deeply": (
        {"a.py": "x = " + "1 + " * 2000 + "1\n"},
        {"a.py": "x = " + "1 + " * 2000 + "2\n"},
        [Kind.CHANGED],
        "+ 2” instead of “…",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_told_with_its_kind(case: str, tmp_path: Path) -> None:
    ours, theirs, kinds, sentence = CASES[case]
    found = compared(tmp_path, ours, theirs)
    assert [mismatch.kind for mismatch in found] == kinds
    assert sentence in found[0].sentence


def test_the_same_bytes_are_equal(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.py": SOURCE, "static/a.css": "body {}", "logo.png": b"\x00\xff"}
    assert compared(tmp_path, files, dict(reversed(files.items()))) == []


def test_warnings_of_the_compiler_stay_inside(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """Generated source with a slip like "\\d" must not make the harness print warnings."""
    compared(tmp_path, {"a.py": r'x = "\d"'}, {"a.py": r'x = "\s"; assert (x, 1)'})
    assert not recwarn.list


def test_a_file_that_was_removed_since_the_run_is_still_a_mismatch(tmp_path: Path) -> None:
    control = make_record(tmp_path / "control", files={"a.py": "1"})
    candidate = make_record(tmp_path / "candidate", files={"a.py": "2"})
    (tmp_path / "candidate" / "files" / "a.py").unlink()
    (mismatch,) = compare_files(control, candidate, Normaliser(control, candidate))
    assert mismatch.sentence == "a.py differs (how, cannot be read: No such file or directory)"
