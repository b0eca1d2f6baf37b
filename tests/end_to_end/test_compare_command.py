"""`harness compare` as a user runs it: results, exit codes, JSON, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import FAST, run_harness

pytestmark = pytest.mark.usefixtures("forked_processes")

TINY = """
name: tiny
idea: A list of books with a title.
modules:
  - {name: Books, module_type: data, description: Books with a title}
  - {name: Shelf, module_type: service, description: Shelves with a name; add, requires: [Books]}
expect: {modules: 2, parallel: [[Books, Shelf]]}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def test_several_specs_pass_and_the_report_says_what_was_seen(tiny: Path) -> None:
    """A folder with a file of two documents: compared one after another, then summed up."""
    folder = tiny / "specs"
    folder.mkdir()
    # At this pace what runs beside what is chance, and it is judged elsewhere.
    apart = TINY.replace("parallel: [[Books, Shelf]]", "")
    (folder / "two.yaml").write_text(f"{apart}---\nname: diary\nidea: a diary\n")
    code, out, err = run_harness(tiny, "compare", folder, "--model", "simulated", *FAST)
    assert code == 0, out + err
    assert "the simulated model was asked for" in err
    for words in ("simulated model", "wall-clock", "speed-up", "lower bound", "list schedule"):
        assert words in out
    layers = [line.split()[0] for line in out.splitlines() if line.split()[1:2] == ["equal"]]
    assert layers == ["outcome", "conversation", "blackboard", "files", "events", "timing"] * 2
    verdicts = [line.split()[1].rstrip(":") for line in out.splitlines() if line.startswith("PASS ")]
    assert verdicts == ["tiny", "diary"]
    assert "2 specs compared" in out
    records = list((tiny / ".harness" / "runs").iterdir())
    assert len(records) == 4
    for folder in records:
        assert {path.name for path in folder.iterdir()} == {
            *("run.json", "record.json", "calls.jsonl", "events.jsonl", "timeline.json", "blackboard.json"),
            *("engine.log", "files"),
        }
        assert (folder / "files" / "main.py").stat().st_size


def test_json_is_the_whole_result_and_one_slot_says_that_the_model_is_the_limit(tiny: Path) -> None:
    arguments = ("--model", "simulated", "--slots", "1", *FAST, "--json")
    code, out, _ = run_command(tiny, "compare", "tiny.yaml", *arguments)
    (comparison,) = json.loads(out)
    assert code == 0
    assert comparison["verdict"]["status"] == "PASS"
    assert comparison["model"]["kind"] == "simulated"
    assert comparison["candidate"]["composition"] == {
        "state_store": "redis",
        "agent_calls": "async",
        "orchestration": "concurrent",
        "generation": "llm",
    }
    assert comparison["control"]["timing"]["calls"] == comparison["candidate"]["timing"]["calls"] > 0
    timing = comparison["candidate"]["timing"]
    assert timing["efficiency"] == pytest.approx(timing["lower_bound_s"] / timing["wall_s"])
    assert timing["over_list_schedule"] == pytest.approx(timing["wall_s"] / timing["list_schedule_s"])
    assert all(comparison[side]["timing"]["cpu_s"] > 0 for side in ("control", "candidate"))
    assert comparison["limit"]["by_slots"] is True
    assert "the model is the limit, not the engine" in comparison["limit"]["sentence"]
    (overlap,) = comparison["candidate_overlaps"]
    assert (overlap["first"], overlap["second"], overlap["together_s"]) == ("Books", "Shelf", 0)
    assert [e["status"] for e in comparison["expectations"]] == ["met", "not judged"]


BAD_SPECS = {
    "a typo in a key": (
        "name: x\nidea: y\nmodules:\n  - name: A\n    requries: [B]\n",
        "bad.yaml:5: unknown key 'modules[0].requries'; did you mean 'requires'?",
    ),
    "an unknown requires": (
        "name: x\nidea: y\nmodules:\n  - name: A\n    requires: [B]\n",
        "bad.yaml:5: modules[0].requires: 'B' is not a module of this spec",
    ),
    "a cycle": (
        "name: x\nidea: y\nmodules:\n  - {name: A, requires: [B]}\n  - {name: B, requires: [A]}\n",
        "modules require each other in a circle: ",
    ),
    "a name that leaves the folder": ("name: ../x\nidea: y\n", "bad.yaml:1: name: spec name '../x'"),
    "a module name that leaves the folder": (
        "name: x\nidea: y\nmodules: [{name: ../../etc/passwd}]\n",
        "bad.yaml:3: modules[0].name: module name '../../etc/passwd'",
    ),
    "no idea": ("name: x\n", "bad.yaml:1: the key 'idea' is missing"),
    "not YAML": ("name: [x\n", "not valid YAML"),
}


@pytest.mark.parametrize("case", BAD_SPECS)
def test_a_bad_spec_is_one_line_exit_2_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    text, words = BAD_SPECS[case]
    (tmp_path / "bad.yaml").write_text(text)
    code, out, err = run_command(tmp_path, "compare", "bad.yaml")
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--candidate", "phase:9"), "'phase:9' is not an engine; known are legacy"),
        (("--candidate", "async:agent_calls=fast"), "agent_calls is blocking, threads, async, not 'fast'"),
        (("--model", "gpt"), "'gpt' is no model choice"),
        (("--redis", "localhost"), "neither 'embedded' nor a URL"),
        (("--slots", "0"), "slots"),
    ],
)
def test_a_bad_option_is_exit_2_and_leaves_nothing(
    arguments: tuple[str, ...], words: str, tiny: Path
) -> None:
    code, out, err = run_command(tiny, "compare", "tiny.yaml", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert not (tiny / ".harness").exists()


def test_a_missing_cassette_is_bad_input(tiny: Path) -> None:
    code, _, err = run_command(tiny, "compare", "tiny.yaml", "--model", "replay:none")
    assert code == 2
    assert "there is no such cassette; record it with --model record:" in err
