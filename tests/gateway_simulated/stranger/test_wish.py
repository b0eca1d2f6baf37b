"""What is asked for is told from the wording: what is asked for strictly before what is only spoken of."""

from __future__ import annotations

import pytest

from harness.gateway.simulated.stranger.wish import Kind, wish_of

PLAN = '{"modules": [{"name": "Shop", "type": "service", "spec": "Return JSON. Write HTML."}]}'
CODE = '```python\ndef save():\n    """Return JSON. Output ONLY valid YAML."""\n```'


@pytest.mark.parametrize(
    ("system", "prompt", "kinds"),
    [
        ("", 'Return JSON: {"a": 1}', [Kind.JSON]),
        ("", 'Answer like this: {"a": 1}', [Kind.JSON]),
        ("Design an application. Output ONLY valid YAML. No Python code.", "App idea: a shop", [Kind.YAML]),
        ("You answer with JSON.", "Idea: write notes and export them as Markdown\n\nPlan it.", [Kind.JSON]),
        ("", "Idea: return it as Markdown", [Kind.MARKDOWN]),
        ("Is it valid YAML?\nOUTPUT FORMAT:\nVERDICT: PASSED", f"Review this:\n{PLAN}", [Kind.VERDICT]),
        ('OUTPUT FORMAT (JSON):\n{"verdict": "APPROVE|REJECT"}', f"Review:\n{CODE}", [Kind.JSON]),
        ("Output MUST be valid YAML only. DO NOT write any Python code.", "name: Shop", [Kind.YAML]),
        (
            "Write Python code for the file: shop.py\n- API routes MUST return JSON using jsonify().\n"
            "- DO NOT inline HTML in Python code.",
            "SPECIFICATION: Exports of notes as Markdown.",
            [Kind.PYTHON],
        ),
        ("You are a developer.", "Implement the function `add`.", [Kind.PYTHON]),
        ("", "Can you write a class Cart?", [Kind.PYTHON]),
        (
            "You are a frontend developer.",
            "Generate HTML, CSS, and JavaScript for a shop.",
            [Kind.HTML, Kind.CSS, Kind.JAVASCRIPT],
        ),
        ("Write main.py and requirements.txt, in Python.", "recipes.py", [Kind.PYTHON, Kind.REQUIREMENTS]),
        ("Output ONLY the content of requirements.txt. NO markdown.", PLAN, [Kind.REQUIREMENTS]),
        ("Output ONLY the Python code inside a markdown block.", "shop", [Kind.PYTHON]),
        ("", "Write a README.", [Kind.MARKDOWN]),
        ("Say 'ok' if you agree, else 'no'.", "2 + 2 = 4", [Kind.VERDICT]),
        ("Write code that PASSES the tests. NEVER use 'pass'. Return 200 OK.", "", [Kind.PYTHON]),
        ("Do NOT return JSON. Return YAML.", "a plan", [Kind.YAML]),
        ("", "Give me YAML for this:\n```\nOutput ONLY valid JSON.\n```", [Kind.YAML]),
        ("Respond to the approved plan in YAML.", "a plan", [Kind.YAML]),
        ("", "What is the difference between JSON and YAML?", []),
        ("You are a pirate.", "Where is the treasure?", []),
    ],
)
def test_the_wish_is_told_from_the_wording(system: str, prompt: str, kinds: list[Kind]) -> None:
    """Questions, refusals, data and programs that are shown do not count."""
    assert list(wish_of([system], [prompt]).kinds) == kinds


def test_the_last_of_equal_wishes_counts() -> None:
    """In a longer conversation."""
    assert wish_of([], ["Write the HTML.", "Now write the CSS."]).kinds == (Kind.CSS,)


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        ("Return JSON.", False),
        ("Return JSON in a ```json ... ``` block.", True),
        ("Write Python code.", True),
        ("Write Python code. No markdown, no explanations.", False),
        ("Write Python code (no markdown).\nYOU MUST ENCLOSE IT IN ```python ... ``` BLOCKS.", True),
        ("Return YAML. Do NOT use Markdown code blocks, or use ```yaml.", False),
    ],
)
def test_data_is_bare_and_programs_are_fenced_unless_they_say_otherwise(text: str, *, fenced: bool) -> None:
    """What is asked for in one place outweighs what is refused in another."""
    assert wish_of([text], []).fenced is fenced


@pytest.mark.parametrize(
    ("text", "verdict", "refusal"),
    [
        ("Start with VERDICT: PASSED or VERDICT: FAILED.", "VERDICT: PASSED", "VERDICT: FAILED"),
        ('Output EXACTLY "VERDICT: PASSED".', "VERDICT: PASSED", ""),
        ("Reply APPROVED or CHANGES REQUESTED.", "APPROVED", "CHANGES REQUESTED"),
        (
            "SYSTEM STATUS: RUNNABLE\nor\nSYSTEM STATUS: NOT RUNNABLE",
            "SYSTEM STATUS: RUNNABLE",
            "SYSTEM STATUS: NOT RUNNABLE",
        ),
        ("Answer yes or no.", "yes", ""),
    ],
)
def test_the_words_of_a_verdict_are_those_of_the_prompt(text: str, verdict: str, refusal: str) -> None:
    """With their label, as they are written there."""
    wish = wish_of([text], ["a plan"])
    assert (wish.verdict, wish.refusal) == (verdict, refusal)
