"""What a measurement says for the concurrent engine, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.doctor.finding import Finding, Level
from harness.doctor.measurement import Measurement

__all__ = ["check_parallelism"]

_NO_GAIN = 1.1
"""Tokens a second of many at once over those of one, below which concurrency gains nothing."""


def check_parallelism(
    measured: Measurement, asked_slots: int, together: int, *, simulated: bool
) -> Iterator[Finding]:
    """The slots, the throughput, and whether calls are refused.

    A comparison would make `asked_slots` calls at once here; all hosts would work on `together`.
    """
    yield _slots(measured, asked_slots, together, simulated=simulated)
    if measured.slots > 1:
        yield _throughput(measured)
    refused = measured.refused_at
    if refused is not None:
        yield Finding(
            name="refusals",
            level=Level.PROBLEM if asked_slots >= refused.at_once else Level.WARNING,
            sentence=f"of {refused.at_once} calls at once {refused.refused} were refused ({refused.refusal})",
            help=f"compare with --slots {measured.slots}, or raise OLLAMA_MAX_QUEUE",
        )
    if measured.short is not None:
        yield Finding(
            name="time limit",
            level=Level.WARNING,
            sentence=f"{measured.short}: what was seen until then counts",
            help="give it more time with --limit",
        )


def _slots(measured: Measurement, asked_slots: int, together: int, *, simulated: bool) -> Finding:
    slots = measured.slots
    if slots == 1 and measured.exact:
        way = (
            "give the simulated model more with --slots"
            if simulated
            else "start the server with OLLAMA_NUM_PARALLEL=4 and measure again: some families of models "
            "keep one slot whatever it says"
        )
        return Finding(
            name="slots",
            level=Level.PROBLEM if together == 1 else Level.WARNING,
            sentence="it generates one answer at a time and the others queue"
            + (": concurrency buys little" if together == 1 else f"; all hosts together work on {together}"),
            help=way,
        )
    if slots == 1:
        return Finding(
            name="slots",
            level=Level.WARNING,
            sentence="only one call at a time was tried, which says nothing of several",
            help="measure with a higher --most or --limit",
        )
    number = f"{slots} answers" if measured.exact else f"{slots} answers, or more,"
    sentence = f"it generates {number} at once"
    if slots < asked_slots and measured.exact:
        return Finding(
            name="slots",
            level=Level.WARNING,
            sentence=f"{sentence}; of the {asked_slots} that --slots lets through the rest would queue",
            help=f"compare with --slots {slots}, so that queueing is seen as such",
        )
    if slots > asked_slots:
        return Finding(
            name="slots",
            level=Level.OK,
            sentence=f"{sentence}; a comparison would use {asked_slots} of them, as --slots says",
        )
    return Finding(name="slots", level=Level.OK, sentence=sentence)


def _throughput(measured: Measurement) -> Finding:
    gain = measured.gain
    best = max(measured.steps, key=lambda step: step.total_tokens_per_s)
    sentence = (
        f"{measured.steps[0].total_tokens_per_s:.0f} tokens/s come out of one call alone, at most "
        f"{best.total_tokens_per_s:.0f} of {best.at_once} at once: {gain:.1f} times"
    )
    if gain >= _NO_GAIN:
        return Finding(name="throughput", level=Level.OK, sentence=sentence)
    return Finding(
        name="throughput",
        level=Level.PROBLEM,
        sentence=f"it streams {measured.slots} answers at once, and no more comes out: {sentence}",
        help="one answer keeps its processor busy already; a smaller model, a faster machine or another host "
        "would help, more slots would not",
    )
