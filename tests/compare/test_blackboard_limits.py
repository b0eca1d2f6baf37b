"""The blackboard layer at its limits: what is too much to be compared is never taken for equal."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.compare import Comparison, Layer, Status, compare, pruned_diff
from harness.spec import Spec
from tests.compare.records import board, make_record

SPEC = Spec(name="shop", idea="a shop")


def compared(folder: Path, ours: dict[str, object], theirs: dict[str, object]) -> Comparison:
    records = (make_record(folder / side, blackboard=each) for side, each in (("a", ours), ("b", theirs)))
    return compare(SPEC, *records)


def layer_sentences(comparison: Comparison) -> list[str]:
    (layer,) = (layer for layer in comparison.layers if layer.layer is Layer.BLACKBOARD)
    return [mismatch.sentence for mismatch in layer.mismatches]


def test_a_comparison_that_was_given_up_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepDiff stops before it has named anything: neither equal nor a mismatch without a name."""
    monkeypatch.setattr(pruned_diff, "_MOST_STEPS", 0)
    comparison = compared(tmp_path, board(), board(extra=1))
    assert layer_sentences(comparison) == []
    assert comparison.verdict.status is Status.INCONCLUSIVE
    assert comparison.verdict.reasons == (
        "the blackboards may differ in more than was found: the comparison was given up after 0 steps",
    )


def test_what_was_found_before_it_was_given_up_still_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruned_diff, "_MOST_STEPS", 1)
    comparison = compared(tmp_path, board(), board(one=1, two=2, three=3))
    assert layer_sentences(comparison) == ["one is only in the candidate (1)"]
    assert comparison.verdict.status is Status.FAIL


def test_no_limit_matters_where_both_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned_diff, "_MOST_STEPS", 0)
    assert compared(tmp_path, board(), board()).verdict.status is Status.PASS


def nested(end: str, levels: int) -> object:
    value: object = end
    for _ in range(levels):
        value = [{"in": value}]
    return value


@pytest.mark.parametrize(
    ("levels", "sentence"), [(50, "is “b” instead of “a”"), (250, "the blackboards differ")]
)
def test_a_document_that_nests_deeply_is_compared(tmp_path: Path, levels: int, sentence: str) -> None:
    """Two levels each: a hundred are named to the end, five hundred are not."""
    equal = compared(tmp_path / "equal", board(extra=nested("a", levels)), board(extra=nested("a", levels)))
    assert equal.verdict.status is Status.PASS
    differing = compared(tmp_path, board(extra=nested("a", levels)), board(extra=nested("b", levels)))
    (told,) = layer_sentences(differing)
    assert told.endswith(sentence)


@pytest.mark.parametrize("levels", [800, 4_000])
def test_a_document_that_nests_too_deeply_for_python_differs(tmp_path: Path, levels: int) -> None:
    differing = compared(tmp_path, board(extra=nested("a", levels)), board(extra=nested("b", levels)))
    assert layer_sentences(differing) == ["the blackboards differ"]


def test_long_texts_take_no_square_of_their_lines(tmp_path: Path) -> None:
    """Of code of 20,000 lines every other one is changed; matched line by line, that takes a minute."""
    lines = [f"line {number}" for number in range(20_000)]
    changed = [line + "!" * (number % 2) for number, line in enumerate(lines)]
    began_s = time.process_time()
    comparison = compared(
        tmp_path,
        board(code="\n".join(lines), lines=["\n".join(lines)]),
        board(code="\n".join(changed), lines=["\n".join(changed), ""]),
    )
    assert len(layer_sentences(comparison)) == 3
    assert time.process_time() - began_s < 2
