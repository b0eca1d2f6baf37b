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
    sentences = tuple(" ".join(str(finding).split()) for finding in findings)
    if verdict not in ("approve", "approved", "revise"):
        raise UnusableAnswer(f"'verdict' is {verdict!r}; it must be approve or revise")
    if verdict == "revise" and not sentences:
        raise UnusableAnswer("the verdict is revise and 'findings' is empty; name what must change")
    approved = verdict != "revise"
    return Judgement(
        approved, () if approved else sentences, " ".join(str(data.get("remarks") or "").split())
    )
