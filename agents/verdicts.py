"""The verdict of an agent that judges the work of another: approved, or what has to change."""

from __future__ import annotations

from dataclasses import dataclass

from agents.answers import mapping
from agents.conversation import UnusableAnswer

__all__ = ["FORM", "Judgement", "read_judgement"]

FORM = """
Answer with one fenced YAML block and nothing else:

```yaml
verdict: approve
findings: []
remarks: "one sentence on the whole"
```

`verdict` is approve or revise; with revise, `findings` lists what must change, one sentence each. Ask for
changes only where something is wrong, not where it could be done otherwise.
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the work is approved; if not, `findings` says what must change."""

    approved: bool
    findings: tuple[str, ...]
    remarks: str


def read_judgement(text: str) -> Judgement:
    """The judgement in an answer."""
    data = mapping(text, having="verdict")
    verdict = str(data["verdict"]).strip().lower()
    listed = data.get("findings") or []
    findings = listed if isinstance(listed, list) else [listed]
    sentences = tuple(sentence for finding in findings if (sentence := _sentence(finding)))
    if verdict not in ("approve", "approved", "revise"):
        raise UnusableAnswer(f"'verdict' is {verdict!r}; it must be approve or revise")
    if verdict == "revise" and not sentences:
        raise UnusableAnswer("the verdict is revise and 'findings' is empty; name what must change")
    approved = verdict != "revise"
    return Judgement(approved, () if approved else sentences, _sentence(data.get("remarks")))


def _sentence(value: object) -> str:
    """A text on one line; `cart.py: no check` without quotes is a mapping in YAML, and is meant as a text."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_sentence(rest)}" for key, rest in value.items())
    return " ".join(str(value or "").split())
