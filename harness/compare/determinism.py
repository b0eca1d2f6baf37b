"""Determinism: whether two runs can be the same to the byte, and what follows for a comparison."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compare.terms import Policy
from harness.record import ModelFacts

__all__ = ["is_deterministic", "natural_policy", "same_texts"]

# A model that is alive gives another text at times even at temperature 0: its cache of prompts changes sums.
_ALWAYS_ALIKE = frozenset({"simulated", "replay"})


def is_deterministic(model: ModelFacts) -> bool:
    """Whether whatever differs between two runs with `model` comes from the engines."""
    return model.kind in _ALWAYS_ALIKE


def same_texts(control: Mapping[str, str], candidate: Mapping[str, str]) -> bool:
    """Whether engines of these flags ask for the same texts: whole files and gaps are not the same."""
    return control.get("generation") == candidate.get("generation")


def natural_policy(
    model: ModelFacts, control: Mapping[str, str] = {}, candidate: Mapping[str, str] = {}
) -> Policy:
    """What can be held against a candidate, by the model and the flags of both engines.

    Where answers vary, or other texts are asked for, it is not the same bytes.
    """
    alike = is_deterministic(model) and same_texts(control, candidate)
    return Policy.EXACT if alike else Policy.CONTRACT
