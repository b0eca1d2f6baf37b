"""Strangers get what they ask for, in the form they ask for it, and the same bytes for the same request."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agents.roles import Role, opening
from harness.gateway.simulated import answer
from tests.gateway_simulated.conversation import asked, generated, inside, request_of

MODULES = 'Plan a todo app. Return JSON like {"modules": [{"name": "...", "filename": "...", "spec": "..."}]}'
FUNCTION = "Write a Python function `add_numbers(a: int, b: int) -> int` in math_tools.py."
ANSWERS = """
import json, sys
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
json.dump([answer(CanonicalRequest(**told)) for told in json.load(sys.stdin)], sys.stdout)
"""
PLAIN = "This is a simulated model: "

PROMPTS = [
    MODULES,
    FUNCTION,
    "Create an HTML page with CSS and JavaScript for a bike rental shop.",
    "Answer in YAML with the keys name and steps: how to cook rice?",
    "Write a README in Markdown for a chess club.",
    "Write the requirements.txt of a Flask application.",
    "Review this plan. Reply APPROVED or REJECTED.",
    "Who are you?",
]


def test_a_plan_in_the_shape_of_the_example() -> None:
    """Two to five modules named after what the idea speaks of, with files of that name."""
    modules = json.loads(asked(MODULES))["modules"]

    assert 2 <= len(modules) <= 5
    assert [set(module) for module in modules] == [{"name", "filename", "spec"}] * len(modules)
    assert modules[0]["name"] == "Todos"
    assert all(module["filename"] == f"{module['name'].lower()}.py" for module in modules)
    assert all("..." not in module["spec"] for module in modules)


def test_an_idea_in_a_system_that_says_the_form() -> None:
    """The form stands in the system message, the idea in the user's."""
    system = 'Output ONLY valid JSON:\n```json\n{"project": "Name", "tasks": ["..."]}\n```'
    plan = json.loads(asked("App idea: a clinic with patients", system))

    assert plan["project"] == "Clinic"
    assert len(plan["tasks"]) >= 2


def test_yaml_is_given_bare_where_fences_are_refused() -> None:
    """In the shape of the example; the mark is a comment at its end."""
    system = (
        "Output ONLY valid YAML. Do NOT use Markdown code blocks.\n\nExample format:\nmodules:\n"
        '  - name: WebInterface\n    module_type: "web_interface"\n    responsibility: "Pages."\n'
        '  - name: NewsService\n    module_type: "service"\n    responsibility: "Logic."\n'
    )
    text = asked("App idea: recipes with comments", system)
    modules = yaml.safe_load(text)["modules"]

    assert "```" not in text
    assert {module["module_type"] for module in modules} == {"web_interface", "service"}
    assert [set(module) for module in modules] == [{"name", "module_type", "responsibility"}] * len(modules)


def test_yaml_without_any_prose_carries_the_mark_too() -> None:
    """At its end, where it is in nobody's way."""
    request = request_of("Count the parts. Return YAML like this:\ncount: 3")
    assert re.fullmatch(rf"count: \d+\n# revision {request.hash[:8]}", answer(request))


def test_python_in_a_fence() -> None:
    """It compiles and defines what is named."""
    tree = ast.parse(inside(asked(FUNCTION), "python"))
    assert "add_numbers" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_file_has_a_fence_of_its_own() -> None:
    """A page with its style sheet and its script, which it names."""
    text = asked("Create an HTML page with CSS and JavaScript for a bike rental shop.")

    assert 'href="style.css"' in inside(text, "html")
    assert "{" in inside(text, "css")
    assert "addEventListener" in inside(text, "javascript")


def test_files_are_marked_as_the_prompt_marks_them() -> None:
    """Where lines before the files are shown and fences are refused."""
    text = asked(
        "Generate HTML and CSS for a shop.\n\nHTML FILE: templates/index.html\n... CODE ...\n\n"
        "CSS FILE: static/shop.css\n... CODE ...\n\nDo NOT output code blocks with ```."
    )

    assert text.startswith("HTML FILE: templates/index.html\n<!doctype html>")
    assert "\nCSS FILE: static/shop.css\n/*" in text
    assert "```" not in text


@pytest.mark.parametrize(
    ("asking", "good", "bad"),
    [
        ("Reply APPROVED if it is sound, otherwise REJECTED with reasons.", "APPROVED", "REJECTED"),
        ("If PASSED:\nVERDICT: PASSED\n\nIf FAILED:\nVERDICT: FAILED", "VERDICT: PASSED", "VERDICT: FAILED"),
        ("Say LGTM, or list what is wrong.", "LGTM", ""),
        (
            "The output MUST be:\nSYSTEM STATUS: RUNNABLE\nor\nSYSTEM STATUS: NOT RUNNABLE",
            "SYSTEM STATUS: RUNNABLE",
            "SYSTEM STATUS: NOT RUNNABLE",
        ),
    ],
)
def test_verdicts_are_good_but_for_one_in_eight(asking: str, good: str, bad: str) -> None:
    """The first line is the word that is asked for; the bad one comes only where it is named."""
    plan = json.dumps({"modules": [{"name": "A", "format": "json"}]})
    said = [asked(f"Review this plan:\n{plan}\n\nNumber {n}.", asking).split("\n")[0] for n in range(80)]

    assert set(said) == {good, bad} - {""}
    assert said.count(good) > 60


def test_code_that_is_to_be_changed_is_given_back() -> None:
    """The same program, with loops tightened, and not something else of that name."""
    code = (
        "def names(rows):\n    found = []\n    for row in rows:\n        if row:\n"
        "            found.append(row)\n    return found\n"
    )
    text = inside(
        asked(f"ORIGINAL CODE TO OPTIMIZE:\n{code}", "Refactor Python code. Output ONLY the code."), "python"
    )

    assert (
        ast.unparse(ast.parse(text))
        == "def names(rows):\n    found = [row for row in rows if row]\n    return found"
    )


def test_who_asks_for_nothing_known_hears_that_it_is_simulated() -> None:
    """Also where a word such as Python stands in a question."""
    for prompt in ("Hello", "What is Python?", "", "Tell me a joke."):
        assert asked(prompt).startswith(PLAIN) or not prompt


def test_generate_is_answered_like_chat() -> None:
    """Its system and prompt are read as messages."""
    assert (
        json.loads(generated("App idea: a quiz", system="Return JSON with the keys name and goal."))["name"]
        == "Quiz"
    )
    assert generated("Hello").startswith(PLAIN)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_change_changes_the_answer_and_the_mark_is_in_it(prompt: str) -> None:
    """Every answer here has a place for it."""
    for change in ({}, {"options": {"seed": 1}}, {"think": True}, {"tools": [{"type": "function"}]}):
        request = request_of(prompt, **change)
        assert answer(request) == answer(request)
        assert request.hash[:8] in answer(request)


def test_the_seed_of_hashes_makes_no_difference() -> None:
    """Another process gives the same bytes, to strangers and by a schema."""
    schema = {
        "allOf": [{"properties": {"a": {}, "b": {"minItems": 1}}}, {"properties": {"b": {}, "c": True}}]
    }
    requests = [*map(request_of, PROMPTS), request_of("Idea: a shop", format=schema)]
    told = json.dumps([json.loads(request.as_json()) for request in requests])
    for seed in ("1", "4711"):
        there = subprocess.run(
            [sys.executable, "-c", ANSWERS],
            input=told,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert json.loads(there.stdout) == [answer(request) for request in requests]


def test_a_format_goes_before_everything_else() -> None:
    """For strangers and for the team, whatever the prompt says."""
    schema = {"type": "object", "properties": {"verdict": {"enum": ["no", "yes"]}}, "required": ["verdict"]}
    for system in ("", f"{opening(Role.REVIEWER)}, a team of agents."):
        assert json.loads(asked("Write Python.", system, format=schema)) == {"verdict": "yes"}
        assert isinstance(json.loads(asked("Write Python.", system, format="json")), dict)


def test_format_json_takes_the_shape_of_the_example() -> None:
    """An object in any case: a list is put into one, and an empty schema says no more than `json`."""
    example = 'Name the parts, for example {"parts": [{"name": "x", "count": 3}]}'
    for form in ("json", {"type": "object"}):
        parts = json.loads(asked(example, format=form))["parts"]
        assert all(set(part) == {"name", "count"} and isinstance(part["count"], int) for part in parts)
    assert list(json.loads(asked('Return a list like [{"name": "x"}]', format="json"))) == ["items"]
    assert isinstance(json.loads(asked("Name parts", format={"type": "array"})), list)


_FRAGMENTS = st.sampled_from(
    [
        "Return JSON",
        "Output ONLY valid YAML.",
        "Write Python code for shop.py",
        "```python\ndef f(:\n```",
        '```json\n{"a": [1, {"b": "x|y"}]}\n```',
        "{",
        "}",
        "[{",
        '"',
        "'",
        "`",
        "```",
        "FILE: <filename>",
        "HTML FILE: a/b.html",
        "class Cart",
        "function `class`",
        "def f(a, b=[], *c) -> int:",
        "save(x: str) -> bool",
        "main.py",
        "Flask",
        "VERDICT: PASSED",
        "VERDICT: FAILED",
        "module_type: utility",
        "name: List",
        'description: "x',
        "Fix the code:\n",
        "HTML",
        "CSS",
        "requirements.txt",
        "README",
        "keys: a, b and c",
        "list of",
        "signature: f(",
        "Example:\na:\n  - b: 1",
        "a: &x [*x]",
        "{{ x }}",
        "0-100",
        '{"score": 0-100, "t": "a" | "b", ...}',
        "Idea: \x00",
        "\ud7ff\ue000",
        "–",
    ]
)
_TEXTS = st.lists(_FRAGMENTS | st.text(max_size=12), max_size=8).map("\n".join)


@given(system=_TEXTS, prompt=_TEXTS, form=st.sampled_from([None, "json"]))
def test_no_conversation_makes_it_fail(system: str, prompt: str, form: str | None) -> None:
    """Whatever is said there is an answer; where JSON was asked for by `format`, it is JSON."""
    text = asked(prompt, system, format=form)

    assert text
    assert form is None or json.loads(text) is not None


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_makes_it_fail(system: str, prompt: str) -> None:
    """Not even noise."""
    assert asked(prompt, system)
    assert generated(prompt, suffix=system) or not prompt


def test_long_conversations_are_answered_at_once() -> None:
    """What looks like the beginning of something, over and over, costs no more than its length."""
    pieces = [
        "{",
        "[{",
        "```\n",
        "\n",
        "a(",
        '{"a": ',
        "x: - ",
        "- name: ",
        "'",
        "Return JSON ",
        "a",
        "a/",
        "a-",
        "_",
    ]
    for piece in pieces:
        began = time.perf_counter()
        long = piece * (200_000 // len(piece))
        assert asked(long, "Fix this Python code. Return HTML, and JSON like this:")
        assert time.perf_counter() - began < 5.0, piece
