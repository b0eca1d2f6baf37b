"""The work on the gaps of one module, as hybrid generation does it, with the simulated model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.agent_developer import fill, refill
from agents.agent_optimizer import optimize_gaps
from agents.agent_reviewer import review_gaps
from agents.chat_protocol import chat_messages
from agents.conversation import Attempt, ModelReply, ModelRequest
from agents.drivers import drive
from agents.gap_answer import used_modules
from agents.gap_filling import codes_in, filled
from agents.gaps import GapKind, Skeleton
from agents.plan import ModulePlan
from agents.project import Inputs
from agents.verdicts import Judgement
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer
from tests.gateway_simulated.skeletons import SHARED, skeleton_of

__all__ = ["Filling", "body_of", "work_on"]


@dataclass
class Filling:
    """One module, filled, reviewed and optimized by the simulated model."""

    skeleton: Skeleton
    first: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    verdicts: list[Judgement] = field(default_factory=list)
    changes: dict[str, str] = field(default_factory=dict)
    developed: list[Attempt] = field(default_factory=list)
    source: str = ""


def asked(request: ModelRequest) -> ModelReply:
    """One call of the simulated model."""
    return ModelReply(answer(CanonicalRequest.from_payload(body_of(request))))


def body_of(request: ModelRequest) -> dict[str, Any]:
    """The request as the protocol carries it."""
    body: dict[str, Any] = {"model": "llama3.1", "messages": chat_messages(request)}
    if request.answer_format is not None:
        body["format"] = dict(request.answer_format)
    return body


def work_on(module: ModulePlan, inputs: Inputs, *, views: bool = False) -> Filling:
    """Fill, review, mend and optimize the gaps of `module`, as hybrid generation does."""
    done = Filling(skeleton_of(module, inputs, views=views))
    skeleton, codes, journal = done.skeleton, done.codes, done.developed
    for kind in (GapKind.SHARED, GapKind.BODY):
        for gap in (gap for gap in skeleton.gaps if gap.kind is kind):
            shared = codes.get(SHARED, "")
            codes[gap.name] = drive(fill(module, inputs, gap, skeleton, shared, journal), asked)
    done.first = dict(codes)
    while not done.verdicts or not done.verdicts[-1].approved:
        assert len(done.verdicts) < 2, done.verdicts
        judgement = drive(review_gaps(module, inputs, skeleton, codes, []), asked)
        done.verdicts.append(judgement)
        for finding in judgement.findings:
            gap = skeleton.gap(finding.partition(":")[0])
            draft, shared = codes[gap.name], codes[SHARED]
            again = refill(module, inputs, gap, skeleton, shared, draft, [finding], journal)
            codes[gap.name] = drive(again, asked)
    done.changes = drive(optimize_gaps(module, inputs, skeleton, codes, []), asked)
    codes |= done.changes
    used = {name for gap in skeleton.gaps for name in used_modules(codes[gap.name], gap, skeleton)}
    rendered = skeleton_of(module, inputs, views=views, imports=used)
    done.source = filled(rendered, codes)
    assert codes_in(rendered, done.source) == codes
    return done
