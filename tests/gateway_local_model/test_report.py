"""The local model in a report: named as what it is and what it is for, never as simulated."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.compare import compare
from harness.record import ModelFacts
from harness.report.terminal import print_comparison
from harness.spec import Spec
from tests.compare.records import make_record


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            {},
            "local model smollm2:135m (asked as llama3.1), to prove the line, not to write good code · 4",
        ),
        (
            {"url": "http://127.0.0.1:1"},
            "local model smollm2:135m at http://127.0.0.1:1 (asked as llama3.1), to",
        ),
        ({"cassette": "a.jsonl"}, "not to write good code, recorded into a.jsonl · 4 slots"),
    ],
)
def test_its_header_says_what_it_is_for(tmp_path: Path, where: dict[str, str], said: str) -> None:
    model = ModelFacts(kind="local", name="llama3.1", source="smollm2:135m", **where)
    spec = Spec.model_validate({"name": "shop", "idea": "a shop"})
    sides = [make_record(tmp_path / side, model=model) for side in ("control", "candidate")]
    out = io.StringIO()
    print_comparison(Console(file=out, width=100, highlight=False), compare(spec, *sides))
    text = " ".join(out.getvalue().split())
    assert said in text
    assert "simulated" not in text
