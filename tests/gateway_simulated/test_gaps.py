"""Gaps: what the simulated model writes into them does what its whole files do, with far fewer tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.agent_developer import fill
from agents.api import ModuleApi, read_api
from agents.gap_answer import GAP_FORMAT, read_gap
from agents.gaps import Gap, GapKind, Skeleton
from agents.plan import ModuleType, read_plan
from agents.project import Inputs, Order
from agents.roles import Role
from agents.source import check_module
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulate import tokens_of
from harness.gateway.simulated import answer
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.source.module import module_source
from harness.gateway.simulated.source.oversights import overlooked
from tests.gateway_simulated.gap_work import Filling, body_of, work_on
from tests.gateway_simulated.skeletons import SHARED, skeleton_of
from tests.gateway_simulated.test_answer import HASHES
from tests.gateway_simulated.test_applications import making, python, using

if TYPE_CHECKING:
    from conftest import Build

VISITOR = Path(__file__).with_name("visitor.py")
TIMEOUT_S = 30.0

TAGS = {"name": "Tags", "module_type": "data", "description": "Tags with a label; add.", "requires": []}
NOTES = {
    "name": "Notes",
    "module_type": "data",
    "description": "Notes with tags; add.",
    "requires": ["Tags"],
}


def inputs_of(build: Build) -> Inputs:
    """What is known when the modules of a build are written."""
    return Inputs(build.order, build.plan, dict(build.apis), dict(build.files))


@cache
def _fillings(build_of: Callable[[str], Build], what: str) -> Mapping[str, Filling]:
    build = build_of(what)
    inputs = inputs_of(build)
    return {module.name: work_on(module, inputs, views=True) for module in build.made_plan.modules}


@pytest.fixture
def fillings(built: Callable[[str], Build]) -> Callable[[str], Mapping[str, Filling]]:
    """The modules of an example, filled; what answers their routes are gaps as well."""
    return lambda what: _fillings(built, what)


@pytest.mark.parametrize(
    ("what", "revised"), [("ecommerce", set()), ("clinic", set()), ("notes_cli", {"NoteStore"})]
)
def test_every_gap_is_filled_at_once_and_with_few_tokens(
    what: str,
    revised: set[str],
    built: Callable[[str], Build],
    fillings: Callable[[str], Mapping[str, Filling]],
) -> None:
    """No answer is refused, the module keeps its contract, and the developer writes 60 % less and more."""
    build, filled_ones = built(what), fillings(what)
    for module in build.made_plan.modules:
        done = filled_ones[module.name]
        assert [attempt.error for attempt in done.developed if attempt.error] == []
        check_module(done.source, module, build.made_plan, build.apis)
    assert {name for name, done in filled_ones.items() if not done.verdicts[0].approved} == revised

    whole = [attempt for attempt in build.attempts if attempt.role is Role.DEVELOPER]
    gaps = [attempt for done in filled_ones.values() for attempt in done.developed]
    # Views like these are rendered, and only here gaps.
    gaps = [attempt for attempt in gaps if "\nname: view_" not in attempt.prompt]
    before, after = (sum(len(tokens_of(a.answer)) for a in attempts) for attempts in (whole, gaps))
    assert len(gaps) > len(filled_ones)
    assert after <= 0.4 * before


@pytest.mark.parametrize("what", ["clinic", "notes_cli"])
def test_what_is_filled_is_well_formatted(
    what: str, fillings: Callable[[str], Mapping[str, Filling]], tmp_path: Path
) -> None:
    """A formatter leaves the code in gaps as it is."""
    for name, done in fillings(what).items():
        # What stands around the gaps is no concern of the model.
        bodies = [gap.name for gap in done.skeleton.gaps if gap.kind is GapKind.BODY]
        inside = [f"def {body}():\n{_shifted(done.first[body])}" for body in bodies]
        (tmp_path / f"{name}.py").write_text("\n\n\n".join(inside) + "\n", encoding="utf-8")

    command = [sys.executable, "-m", "ruff", "format", "-q", "--isolated", "--diff", "."]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert ran.stdout == ""


def _shifted(code: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in code.split("\n"))


def test_a_filled_application_answers_as_the_whole_files_do(
    built: Callable[[str], Build],
    fillings: Callable[[str], Mapping[str, Filling]],
    tmp_path: Path,
) -> None:
    """Every route, with good and with bad input: the same status and the same text."""
    build = built("ecommerce")
    apis = [build.apis[module.name] for module in build.made_plan.in_build_order()]
    planned = [visit for api in apis for visit in making(api)]
    planned += [visit for api in reversed(apis) for visit in using(api)]
    visits = json.dumps([[visit.method, visit.path, visit.body] for visit in planned])
    mixed = dict(build.files)
    for module in build.made_plan.modules:
        # The title of a page is the name of the project, which no gap is told: templates render pages.
        if module.module_type is not ModuleType.WEB_INTERFACE:
            mixed[module.filename] = fillings("ecommerce")[module.name].source
    said = []
    for number, files in enumerate((build.files, mixed)):
        said.append(python(_written(files, tmp_path / str(number)), str(VISITOR), given=visits))

    one, other = map(json.loads, said)
    assert len(one) > len(planned) > 40
    assert other == one
    assert {status for _, _, status, _, _ in one} >= {200, 201, 400, 404}


USING_NOTES = """
import json
import exporter, finder, note_store, tagging

def said(function, *given):
    try:
        return function(*given)
    except (LookupError, ValueError) as problem:
        return f"{type(problem).__name__}: {problem}"

told = [said(note_store.write_note, title, body, ["a"]) for title, body in
        (("Milk", "Bread and milk"), ("Bread", "Rye"), ("Milk milk", "MILK"), (" ", "x"), ("x", 1))]
told += [said(tagging.add_tag, "milk"), said(tagging.count_tags), said(tagging.get_tag, 9)]
for text in ("milk", " BREAD ", "", "nothing"):
    told += [said(f, text, limit) for limit in (20, 1, 0)
             for f in (finder.search_notes, finder.rank_notes, note_store.find_notes)]
told += [said(finder.search_notes_by_tag, 1), said(finder.search_notes_by_tag, 2)]
told += [said(exporter.export_notes, " all "), said(exporter.get_export, 1), said(exporter.list_exports)]
told += [said(note_store.remove_note, 1), said(note_store.remove_note, 1), said(note_store.list_notes)]
print(json.dumps(told))
"""


def test_filled_modules_do_what_the_whole_files_do(
    built: Callable[[str], Build], fillings: Callable[[str], Mapping[str, Filling]], tmp_path: Path
) -> None:
    """Also where nothing is served: the same rows in the same order, the same refusals."""
    build = built("notes_cli")
    gaps = {build.made_plan.module(n).filename: done.source for n, done in fillings("notes_cli").items()}
    said = [
        json.loads(python(_written(files, tmp_path / str(number)), "-c", USING_NOTES))
        for number, files in enumerate((build.files, gaps))
    ]

    assert said[1] == said[0]
    assert "ValueError: limit must be at least 1" in said[0]
    assert "LookupError: there is no tag 9" in said[0]


def _written(files: Mapping[str, str], folder: Path) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def test_an_oversight_in_a_body_is_found_and_mended(
    fillings: Callable[[str], Mapping[str, Filling]],
) -> None:
    """The finding names the gap; what a check would overlook cannot be, for checks are rendered."""
    done = fillings("notes_cli")["NoteStore"]
    (finding,) = done.verdicts[0].findings
    assert finding.startswith("find_notes: `find_notes` takes a limit below 1")
    assert "limit < 1" not in done.first["find_notes"]
    assert "limit < 1" in done.codes["find_notes"]


def test_a_ranking_refuses_a_limit_below_one(
    assignment_of: Callable[..., Assignment],
) -> None:
    """In whole files and in gaps, as the reviewer asks of everything that takes a limit."""
    recipes = {
        "name": "Recipes",
        "module_type": "data",
        "description": "Recipes with a title and minutes; add, rank.",
        "requires": [],
    }
    assignment = assignment_of("Recipes", [recipes])
    for rendered in (False, True):
        source = module_source(assignment, Manner(rendered=rendered), "0")
        assert "best[:limit]" in source
        assert overlooked(source) == []
        assert len(overlooked(source.replace("limit < 1", "False"))) == 1


def test_the_optimizer_changes_bodies_that_have_loops(
    fillings: Callable[[str], Mapping[str, Filling]],
) -> None:
    """And leaves the others, and what is shared, as they are."""
    done = fillings("notes_cli")

    assert done["Finder"].changes.keys() == {"search_notes"}
    assert ".append(" in done["Finder"].first["search_notes"]
    assert "for row in note_store.list_notes()\n" in done["Finder"].codes["search_notes"]
    assert done["Exporter"].changes == {}
    assert ".append(" in done["Exporter"].codes[SHARED]


def project(*modules: dict[str, Any], **apis: dict[str, Any]) -> Inputs:
    """Modules and their APIs."""
    plan = read_plan({"project": "Shop", "modules": list(modules)})
    read: dict[str, ModuleApi] = {name: read_api(api) for name, api in apis.items()}
    return Inputs(Order("a shop"), plan, read, {})


@pytest.fixture
def tagged() -> Inputs:
    """Notes that take a parameter called like the module that they require."""
    tags = {"functions": ["add_tag(label: str) -> dict", "get_tag(tag_id: int) -> dict"]}
    notes = {
        "functions": [
            "add_note(tag_id: int, tags: list) -> dict",
            "get_note(note_id: int) -> dict",
            "finish_note(note_id: int) -> dict",
            "total(text: str) -> float",
        ]
    }
    return project(TAGS, NOTES, Tags=tags, Notes=notes)


def test_names_in_use_get_out_of_the_way(tagged: Inputs) -> None:
    """A module called like a parameter is reached by what is shared, and no local name is one of the API."""
    done = work_on(tagged.made_plan.module("Notes"), tagged)

    assert "_tags_get_tag = tags.get_tag" in done.codes[SHARED]
    assert "_tags_get_tag(tag_id)" in done.codes["add_note"]
    assert "this_total = " in done.codes["total"]
    assert [attempt.error for attempt in done.developed if attempt.error] == []


def answered(inputs: Inputs, module: str, gap: Gap, skeleton: Skeleton, shared: str, *refusals: str) -> str:
    """The code answered after refusals; it may stand in the gap."""
    steps = fill(inputs.made_plan.module(module), inputs, gap, skeleton, shared, [])
    body = body_of(next(steps))
    for refusal in refusals:
        body["messages"] += [
            {"role": "assistant", "content": '{"code": "x"}'},
            {"role": "user", "content": f"This answer cannot be used: {refusal}\n\nAnswer again."},
        ]
    return read_gap(answer(CanonicalRequest.from_payload(body)), gap, skeleton, shared)


def test_what_nobody_shares_stands_in_the_body(tagged: Inputs) -> None:
    """Where the shared definitions are not those that it needs, they are written where they are needed."""
    skeleton = skeleton_of(tagged.made_plan.module("Notes"), tagged)

    code = answered(tagged, "Notes", skeleton.gap("finish_note"), skeleton, "")

    assert code.startswith("_BEFORE = {")
    assert "def _advance(key: int, status: str) -> dict:" in code
    assert "_advance(note_id," in code.split("\n")[-1]


def test_a_refusal_changes_the_answer(tagged: Inputs) -> None:
    """What is there already is not defined again, and what is called like it gets another name."""
    skeleton = skeleton_of(tagged.made_plan.module("Notes"), tagged)
    finish, shared = skeleton.gap("finish_note"), skeleton.gap(SHARED)
    code = answered(tagged, "Notes", shared, skeleton, "")
    there = "line 5: _advance is there already; use it, or take another name"

    assert answered(tagged, "Notes", finish, skeleton, code).startswith("return _advance(")
    assert "def _advance(" in code
    assert "_advance" not in answered(tagged, "Notes", shared, skeleton, "", there)
    taken = "line 2: row belongs to the module; take another name for what is local"
    assert "this_row = " in answered(tagged, "Notes", skeleton.gap("add_note"), skeleton, code, taken)


def test_without_a_store_in_scope_it_is_shared(tagged: Inputs) -> None:
    """A template may hold less than ours: then the store and the checks are shared, and nothing is locked."""
    module = tagged.made_plan.module("Notes")
    skeleton = skeleton_of(module, tagged, store=False, checks=False)
    shared = answered(tagged, "Notes", skeleton.gap(SHARED), skeleton, "")

    assert "_rows: dict[int, dict] = {}" in shared
    assert "def _texts(" in shared
    for gap in skeleton.gaps[1:]:
        assert "_lock" not in answered(tagged, "Notes", gap, skeleton, shared)


def test_a_format_is_kept_to_where_no_gap_can_be_read(tagged: Inputs) -> None:
    """A stranger's request, and one whose gap is none of the module's, are answered by the schema."""
    module = tagged.made_plan.module("Notes")
    skeleton = skeleton_of(module, tagged)
    told = body_of(next(fill(module, tagged, skeleton.gap("get_note"), skeleton, "", [])))
    system, task = told["messages"]
    stranger = {**told, "messages": [{**system, "content": "You are a developer."}, task]}
    unknown = {
        **task,
        "content": task["content"].replace("\nsignature: 'get_note(", "\nsignature: 'nothing("),
    }

    assert json.loads(answer(CanonicalRequest.from_payload(told)))["code"].startswith("with _lock:\n")
    for body in (stranger, {**told, "messages": [system, unknown]}, {**told, "messages": [system]}):
        said = json.loads(answer(CanonicalRequest.from_payload(body)))
        assert said.keys() == GAP_FORMAT["properties"].keys()
        assert "_lock" not in said["code"]


def test_gaps_have_the_same_answer_in_every_process(tagged: Inputs) -> None:
    """Sets are used on the way, and none decides an order."""
    module = tagged.made_plan.module("Notes")
    skeleton = skeleton_of(module, tagged, store=False, checks=False)
    requests = [body_of(next(fill(module, tagged, gap, skeleton, "", []))) for gap in skeleton.gaps]
    hashes = set()
    for seed in ("0", "4711"):
        there = subprocess.run(
            [sys.executable, "-c", HASHES],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        hashes.add(there.stdout)

    assert len(hashes) == 1
