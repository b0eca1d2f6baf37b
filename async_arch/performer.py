"""What does tasks in either way of phase 3: whole files, or the gaps of templates."""

from __future__ import annotations

from pathlib import Path

from async_arch.composition import Generation
from async_arch.model_calls import LimitedCalls, ModelCaller
from async_arch.performing import Perform, performing

__all__ = ["performer"]


def performer(generation: Generation, calls: ModelCaller, *, templates: Path | None, at_once: int) -> Perform:
    """What does tasks by `calls`; of one task that makes several, no more than `at_once` are under way.

    `templates` is a folder with templates that take the place of ours.
    """
    if generation is Generation.LLM:
        return performing(calls)
    # Loaded where it is wanted: whole files need no templates.
    from async_arch.hybrid_generator import HybridGenerator
    from async_arch.module_templates import ModuleTemplates

    return HybridGenerator(LimitedCalls(calls, at_once), ModuleTemplates(templates)).perform
