"""`harness compare` over a model whose answers vary: noise is told, and nothing is decided too early."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
from tests.end_to_end.harness_command import run_command
from tests.gateway.scripted_ollama import LAST, Exchange, line
from tests.threaded_ollama import threaded_ollama

pytestmark = pytest.mark.usefixtures("forked_processes")

TINY = """
name: tiny
idea: A list of books with a title.
modules: [{name: Books, module_type: data, description: Books with a title}]
"""

_numbers = itertools.count()


async def _varied(exchange: Exchange) -> None:
    """The simulated model's answers, of which an analyst's plan is another every time."""
    if exchange.target.endswith("/api/version"):
        await exchange.whole(200, {"version": "0.12.3"})
    elif exchange.target.endswith("/api/tags"):
        await exchange.whole(200, {"models": [{"name": "llama3.1:latest", "model": "llama3.1:latest"}]})
    else:
        text = answer(CanonicalRequest.from_payload(json.loads(exchange.body)))
        words = f"summary: version {next(_numbers)}, "
        await exchange.head(200, "Content-Type: application/x-ndjson")
        await exchange.chunk(line(text.replace("summary: ", words, 1), done=False))
        await exchange.chunk(LAST)
        await exchange.end()


def test_one_pair_decides_nothing_and_the_report_says_how_many_do(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    with threaded_ollama(_varied) as model:
        code, out, err = run_command(
            tmp_path, "compare", "tiny.yaml", "--model", f"ollama:{model.url}", "--policy", "exact"
        )
    assert code == 3, out + err
    for run in ("(control)", "(candidate)", "(control against itself, pair 1 of 1, second run)"):
        assert f"{run}: finished" in err
    assert "in how many pairs a field differs: 1 with the candidate, 1 of two controls" in out
    assert "INCONCLUSIVE tiny: " in out
    assert "more of each would (--repeat " in out.replace("\n", " ")
