"""The conversation layer: did both engines ask the model the same things?

Concurrency changes the order of the chains of calls and nothing else. What a call's prompt is made of comes
from the calls before it, so a mismatch is marked as following where something it needs already differed; the
first that does not follow is where to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.workflow import PLANNING, Task
from harness.compare.call_graph import group_named, group_of, needs_of_groups, plan_of
from harness.compare.call_order import compare_order
from harness.compare.chain import compare_chain, lane_label, lane_name, without_retried
from harness.compare.homeless import at_home
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.retries import compare_retries
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["ConversationResult", "compare_conversations"]

_ABSENCES = frozenset({Kind.MISSING, Kind.EXTRA})

# A shorter piece of text is found in other prompts by chance.
_LEAST_TELLING = 8


@dataclass(frozen=True, slots=True)
class ConversationResult:
    """What differs between the calls, in the order in which one difference can explain the next."""

    mismatches: tuple[Mismatch, ...]
    reworded: frozenset[Task | None]
    """The chains in which, or in what they need, something was asked or answered otherwise."""
    lost: frozenset[Task | None]
    """The chains in which, or in what they need, a call was left out or added for no reason that is known."""

    def explains(self, task: str, *, by_words: bool) -> bool:
        """Whether `task` (`developer:Cart`) can have failed because of what differs here.

        `by_words` says that other words can be the reason for a failure like that.
        """
        chain = group_named(task)
        return chain in self.lost or (by_words and chain in self.reworded)


def compare_conversations(
    control: RunRecord, candidate: RunRecord, failed: Collection[str] = ()
) -> ConversationResult:
    """Compare what both engines asked, chain of calls by chain of calls.

    `failed` names the tasks that failed in one of the two only: they explain calls that were not made.
    """
    needs = needs_of_groups(plan_of(control))
    for added, needed_by_it in needs_of_groups(plan_of(candidate)).items():
        needs.setdefault(added, needed_by_it)
    findings = _findings(control, candidate, needs)
    # Who fails, and is no task, can have stopped everything.
    stopped: set[Task | None] = {group_named(task) or PLANNING[-1] for task in failed}
    differs: set[Task | None] = set()
    reworded: set[Task | None] = set()
    lost: set[Task | None] = set()
    found: list[Mismatch] = []
    for chain, mismatches in findings.items():
        # What a call of an unknown role was made from, nobody knows: it can be anything before it.
        needed: Iterable[Task | None] = findings if chain is None else needs.get(chain, PLANNING[-1:])
        for marked in (stopped, differs, reworded, lost):
            if marked.intersection(needed):
                marked.add(chain)
        explained = chain in differs
        for mismatch in mismatches:
            absence = mismatch.kind in _ABSENCES
            if explained or (absence and chain in stopped):
                found.append(mismatch.model_copy(update={"follows": True}))
            else:
                found.append(_with_origin(mismatch, control))
                explained = True
                if absence:
                    lost.add(chain)
            if not absence:
                reworded.add(chain)
            differs.add(chain)
    found += _other_requests(control, candidate)
    return ConversationResult(tuple(found), frozenset(reworded), frozenset(lost))


def _other_requests(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What this project's engines sent to the model's server beside calls; others may do as they like."""
    if control.summary.external or candidate.summary.external:
        return
    for what, before, after in (
        ("other requests", control.summary.other_requests, candidate.summary.other_requests),
        ("malformed requests", control.summary.malformed_requests, candidate.summary.malformed_requests),
    ):
        if before != after:
            sentence = f"the candidate sent {after} {what} to the model's server, the control {before}"
            yield _mismatch(Kind.EXTRA if after > before else Kind.MISSING, what, sentence)


def _findings(
    control: RunRecord, candidate: RunRecord, needs: Mapping[Task | None, Sequence[Task]]
) -> dict[Task | None, list[Mismatch]]:
    """What differs in each chain, in the order of `needs`; a whole module is told of in its first chain."""
    calls = at_home(control.calls, candidate.calls)
    ours, theirs = _by_chain(control.calls), _by_chain(calls)
    kept, kept_too = _by_chain(without_retried(control.calls)), _by_chain(without_retried(calls))
    asked, asked_too = _modules(control.calls), _modules(calls)
    own_engines = control.summary.external is None is candidate.summary.external
    whole = own_engines and not any(_interrupted(record) for record in (control, candidate))
    told: set[str] = set()
    findings: dict[Task | None, list[Mismatch]] = {}
    for chain in dict.fromkeys([*needs, *ours, *theirs]):
        module = chain.module if chain else None
        if module is None or (module in asked) == (module in asked_too):
            findings[chain] = [
                *(compare_order(chain, needs.get(chain, ()), kept, kept_too) if whole else ()),
                *(compare_retries(ours.get(chain, []), theirs.get(chain, [])) if whole else ()),
                *(_streamed(kept.get(chain, []), kept_too.get(chain, [])) if whole else ()),
                *compare_chain(kept.get(chain, []), kept_too.get(chain, [])),
            ]
        elif module in told:
            findings[chain] = []
        else:
            told.add(module)
            findings[chain] = [_one_sided(module, asked[module], asked_too[module])]
    return findings


def _streamed(ours: Sequence[CallRecord], theirs: Sequence[CallRecord]) -> Iterator[Mismatch]:
    """The first call of a chain that only one of our engines has streamed.

    The answer is the same; but until all of it is there, nobody sees that it comes, or that it broke off.
    """
    for before, after in zip(ours, theirs, strict=False):
        if before.stream != after.stream:
            how = "streamed" if after.stream else "not streamed"
            sentence = f"the answer of the {lane_name(after)} was {how}; that to the control was"
            sentence += " not" if after.stream else ""
            yield _mismatch(Kind.OPTIONS_DRIFT, f"{lane_label(after)}, streaming", sentence)
            return


def _interrupted(record: RunRecord) -> bool:
    """Whether calls of `record` were cut off by its end, or begun anew after it."""
    return record.summary.outcome.cut_off or record.summary.sittings > 1


def _by_chain(calls: Iterable[CallRecord]) -> dict[Task | None, list[CallRecord]]:
    chains: dict[Task | None, list[CallRecord]] = {}
    for call in calls:
        chains.setdefault(group_of(call), []).append(call)
    return chains


def _modules(calls: Iterable[CallRecord]) -> Counter[str]:
    return Counter(call.module for call in without_retried(calls) if call.module)


def _one_sided(module: str, asked: int, asked_too: int) -> Mismatch:
    if asked:
        sentence = f"the candidate asked nothing for module {module} (control: {_calls(asked)})"
        return _mismatch(Kind.MISSING, module, sentence)
    return _mismatch(
        Kind.EXTRA, module, f"only the candidate asked for module {module} ({_calls(asked_too)})"
    )


def _with_origin(mismatch: Mismatch, control: RunRecord) -> Mismatch:
    """`mismatch`; where the candidate's words belong in the prompt for another module, that is added."""
    words = (mismatch.candidate or "").strip()
    if mismatch.kind is not Kind.PROMPT_DRIFT or len(words) < _LEAST_TELLING:
        return mismatch
    role = mismatch.path.partition("#")[0].partition(":")[0]
    at_home = {
        call.module: call
        for call in control.calls
        if call.role == role and any(words in message.content for message in call.request.messages)
    }
    here = {call.module for call in control.calls if lane_label(call) == mismatch.path}
    if len(at_home) != 1 or here.intersection(at_home):
        return mismatch
    origin = next(iter(at_home.values()))
    hint = f"; the control says this to the {lane_name(origin)}"
    return mismatch.model_copy(update={"sentence": mismatch.sentence + hint})


def _calls(count: int) -> str:
    return f"{count} call{'s' if count > 1 else ''}"


def _mismatch(kind: Kind, path: str, sentence: str) -> Mismatch:
    return Mismatch(layer=Layer.CONVERSATION, kind=kind, path=path, sentence=sentence)
