"""Faults in hybrid generation: what is put into the gaps of templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import async_arch.hybrid_generator
from async_arch.hybrid_generator import HybridGenerator
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["GENERATION_FAULTS"]

_Codes = dict[str, str]


def _codes(change: Callable[[_Codes], _Codes]) -> Install:
    """A fault in what is written into the gaps of one module."""

    def install(patch: Patch) -> None:
        usual = HybridGenerator._together

        async def together(self: HybridGenerator, *more: Any) -> _Codes:
            return change(await usual(self, *more))

        patch.setattr(HybridGenerator, "_together", together)

    return install


def _last_left_open(codes: _Codes) -> _Codes:
    return dict([*codes.items()][:-1]) if len(codes) > 1 else codes


def _last_does_nothing(codes: _Codes) -> _Codes:
    return {**codes, [*codes][-1]: "pass"} if len(codes) > 1 else codes


def _first_attempt_alone(patch: Patch) -> None:
    usual = async_arch.hybrid_generator._attempts
    patch.setattr(async_arch.hybrid_generator, "_attempts", lambda journal: usual(journal[:1]))


def _generation(name: str, layer: Layer, words: str, install: Install) -> Fault:
    return Fault(name, Blame.GENERATION, layer, words, install, candidate="phase:3")


GENERATION_FAULTS = (
    _generation("a gap is left open", Layer.FILES, "is left open", _codes(_last_left_open)),
    _generation("a gap is filled with nothing", Layer.FILES, "is left open", _codes(_last_does_nothing)),
    _generation(
        "the attempts of gaps are lost",
        Layer.BLACKBOARD,
        "the attempts in Redis are not the calls",
        _first_attempt_alone,
    ),
)
