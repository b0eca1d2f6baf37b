"""The pytest plugin as people use it: in a pytest of its own, in a folder of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import pytest

from agents.conversation import Cause
from harness.compare import Comparison, compare
from harness.errors import SurroundingsError
from harness.pytest_plugin.comparing import Compare
from harness.pytest_plugin.item import SpecItem, items_of
from harness.pytest_plugin.options import Choices, GivenSpec, chosen, given_specs
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

ROOT = Path(__file__).parents[1]
# The least there is to run: an engine without Redis, beside itself, with a model that takes no time.
FAST = (
    *("--harness-candidate", "legacy", "--harness-model", "simulated"),
    *("--harness-slots", "2", "--harness-store", "kept"),
    *("--harness-ttft", "0.001", "--harness-tokens-per-second", "50000"),
)
MODULE = "modules: [{name: Books, module_type: data, description: Books with a title}]"
TINY = f"name: tiny\nidea: A list of books with a title.\n{MODULE}\n"
SHOP = Spec(name="shop", idea="a shop")
GREEDY = f"name: greedy\nidea: A list of books with a title.\n{MODULE}\nexpect: {{modules: 50}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "greedy.yaml").write_text(GREEDY)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a pytest in `folder`, in which a warning is an error, and what it prints."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "OLLAMA"))}
    others = [f"-pno:{name}" for name in ("asyncio", "benchmark", "cacheprovider", "valkey")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *others, *arguments],
        cwd=folder,
        env={**ours, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_spec_is_a_test_of_its_own_where_no_test_asks_for_it(folder: Path) -> None:
    words = ("-v", "--junitxml", "result.xml", "--harness-spec", "greedy.yaml")
    code, out = run_pytest(folder, *words, *FAST)
    assert code == 1, out
    assert "greedy.yaml::greedy FAILED" in out
    assert "1 failed" in out
    assert re.search(r"^FAIL greedy: .* at least 50 expected$", out, re.MULTILINE)
    assert "Traceback" not in out
    (case,) = ElementTree.parse(folder / "result.xml").iter("testcase")  # noqa: S314 (our own)
    told = {found.get("name"): found.get("value") for found in case.iter("property")}
    assert (told["harness_spec"], told["harness_verdict"]) == ("greedy", "FAIL")
    assert float(told["harness_speedup"] or 0) > 0
    runs = {path.name for path in (folder / "kept" / "runs").iterdir()}
    assert {told["harness_control_run"], told["harness_candidate_run"]} == runs
    record = json.loads((folder / "kept" / "runs" / min(runs) / "record.json").read_text())
    assert (record["slots"], record["engine"], record["model"]["kind"]) == (2, "legacy", "simulated")


TESTS = """
import sys

import pytest


def test_nothing_is_loaded_that_is_not_asked_for():
    assert {"pydantic", "rich", "harness.session"}.isdisjoint(sys.modules)


def test_spec(harness_spec):
    assert harness_spec.name == "tiny"


def test_phase(compare):
    with pytest.raises(Exception, match="'phase:9' is not an engine"):
        compare(candidate="phase:9")


def test_bad_input(compare):
    with pytest.raises(Exception, match="no-such.yaml: there is no such file"):
        compare("no-such.yaml")


async def under_a_loop(compare):
    compare("tiny.yaml")


def test_loop(compare):
    import asyncio

    with pytest.raises(Exception, match="call it in a test that is not async"):
        asyncio.run(under_a_loop(compare))
"""


def test_the_fixture_compares_on_each_spec_and_without_one_nothing_happens(folder: Path) -> None:
    (folder / "test_migration.py").write_text(TESTS)
    code, out = run_pytest(folder, "-rs", "-k", "nothing or test_spec")
    assert code == 0, out
    assert "1 passed, 1 skipped" in out
    assert "no spec is given: use --harness-spec PATH" in out
    (folder / "pytest.ini").write_text("[pytest]\nharness_spec = tiny.yaml\n")
    code, out = run_pytest(folder, "-v", "-k", "not nothing")
    assert code == 0, out
    assert "test_spec[tiny] PASSED" in out
    assert "test_phase[tiny] PASSED" in out
    assert "4 passed" in out


def test_a_comparison_on_no_spec_is_skipped(request: pytest.FixtureRequest) -> None:
    with pytest.raises(pytest.skip.Exception, match="no spec is given"):
        Compare(request.node, None)()


T = TypeVar("T")


def with_ini(
    read: Callable[[pytest.Config], T], config: pytest.Config, monkeypatch: pytest.MonkeyPatch, **ini: object
) -> T:
    """What `read` makes of `config` where `ini` stands in the ini-file."""
    with monkeypatch.context() as patch:
        patch.setattr(config, "getini", lambda name: ini.get(name, ""))
        return read(config)


def test_a_bad_spec_is_no_failure_of_a_test(
    folder: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [folder / "tiny.yaml", folder / "greedy.yaml"]
    given = with_ini(given_specs, pytestconfig, monkeypatch, harness_spec=paths)
    assert [(one.path.name, one.spec.name) for one in given] == [
        ("tiny.yaml", "tiny"),
        ("greedy.yaml", "greedy"),
    ]
    for paths, words in (
        ([folder / "none.yaml"], "none.yaml: there is no such file or folder"),
        ([folder / "tiny.yaml", folder], "'greedy' is the name of|'tiny' is the name of"),
    ):
        with pytest.raises(pytest.UsageError, match=words):
            with_ini(given_specs, pytestconfig, monkeypatch, harness_spec=paths)


def test_the_command_line_counts_more_than_the_ini_file(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"harness_slots": "8", "harness_repeat": "5", "harness_store": "kept", "harness_ttft": "0.5"}
    assert with_ini(chosen, pytestconfig, monkeypatch) == Choices()
    monkeypatch.setattr(pytestconfig.option, "harness_slots", 2)
    assert with_ini(chosen, pytestconfig, monkeypatch, **texts) == Choices(
        slots=2, repeat=5, store=Path("kept"), ttft=0.5
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("harness_repeat", "0", "harness_repeat: must be a whole number of at least 1, not '0'"),
        ("harness_slots", "many", "harness_slots: must be a whole number, not 'many'"),
        ("harness_ttft", "nan", "harness_ttft: must be a number of at least 0.0, not 'nan'"),
    ],
)
def test_a_number_that_is_none_is_one_line(
    name: str, text: str, words: str, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(pytest.UsageError, match=f"^{words}$"):
        with_ini(chosen, pytestconfig, monkeypatch, **{name: text})


def item_with(
    comparing: Callable[[], Comparison], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> SpecItem:
    """The test of a spec that is compared by `comparing`."""
    monkeypatch.setattr("harness.pytest_plugin.item.Compare", lambda *_: comparing)
    (item,) = items_of(request.session, [GivenSpec(Path("shop.yaml"), SHOP)])
    return item


def test_what_could_not_be_run_is_an_error_of_one_line(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> Comparison:
        raise SurroundingsError("there is no model")

    with pytest.raises(pytest.fail.Exception, match=r"^harness: there is no model$") as error:
        item_with(refused, request, monkeypatch).setup()
    assert error.value.pytrace is False
    assert error.value.__suppress_context__


def test_what_was_not_judged_is_an_error_and_what_differs_a_failure(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = make_record(tmp_path / "control", engine="legacy")
    broken = make_record(tmp_path / "broken", failures=[make_failure(Cause.MODEL)])
    other = make_record(tmp_path / "other", files={**FILES, "cart.py": "CART = [1]\n"})
    unjudged = item_with(lambda: compare(SHOP, control, broken), request, monkeypatch)
    with pytest.raises(pytest.fail.Exception, match=r"^ERROR shop: "):
        unjudged.setup()
    different = item_with(lambda: compare(SHOP, control, other), request, monkeypatch)
    different.setup()
    with pytest.raises(pytest.fail.Exception, match=r"^FAIL shop: "):
        different.runtest()
    equal = item_with(lambda: compare(SHOP, control, control), request, monkeypatch)
    equal.setup()
    equal.runtest()
