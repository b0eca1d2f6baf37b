"""What the harness adds to an engine's wall-clock: the same build alone and in a session, before one Ollama.

Both ways end at the same server, which takes the time of both. In between are, in a session, the gateway with
its records, the events that the engine hands over, and the progress on a terminal.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest
from rich.console import Console

from benchmarks.paced_ollama import PacedOllama, paced_ollama
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.report.progress import TrialProgress
from harness.session import SessionSettings, open_session
from harness.spec import Spec

MOST_RATIO = 1.03
"""What a build may take in a session over what it takes alone, with the model at its default pace."""
ROUNDS = 4
SLOTS = 4
PACES = {
    "the default pace": SimulateSettings(),
    "5 times the default pace": SimulateSettings(ttft_s=0.02, tokens_per_s=4_000),
}
"""The faster the model, the more whatever the harness adds weighs."""
PROGRAMS = {"legacy": "legacy.factory_boss", "async": "async_arch.orchestrator"}
# An idea alone, as the engines' own command lines take no modules: the analyst finds them.
SPEC = Spec(
    name="overhead",
    idea="An E-commerce platform: customers browse a catalog of products, fill a cart, place orders, pay for "
    "them, and have accounts of their own, with pages in the browser.",
)

Way = Callable[[str, PacedOllama, Path], Awaitable[None]]
"""One of the two ways of building with the engine of this name."""


async def alone(engine: str, ollama: PacedOllama, folder: Path) -> None:
    """Build with the engine's own command line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROGRAMS[engine], "--idea", SPEC.idea),
        cwd=folder,
        env={**os.environ, "OLLAMA_HOST": ollama.url, "NO_PROXY": "127.0.0.1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


async def in_a_session(engine: str, ollama: PacedOllama, folder: Path) -> None:
    """Build as `harness compare` does."""
    chosen = find_engine(engine)
    settings = SessionSettings(model=f"ollama:{ollama.url}", slots=SLOTS, store=folder)
    with TrialProgress(Console(file=io.StringIO(), force_terminal=True)) as progress:
        async with open_session(settings, needs_redis=chosen.needs_redis) as session:
            progress.run_started(SPEC, "control", engine)
            record = await session.run(SPEC, chosen, progress.happened, progress.progressed)
            progress.run_finished(record)
    assert not record.summary.outcome.failures


async def measured(engine: str, rounds: int, pace: SimulateSettings, folder: Path) -> dict[Way, list[float]]:
    """The wall-clocks of both ways, in turns (A B B A)."""
    found: dict[Way, list[float]] = {alone: [], in_a_session: []}
    calls = set()
    async with paced_ollama(pace.ttft_s, pace.tokens_per_s, SLOTS) as ollama:
        for number in range(2 * rounds):
            way = (alone, in_a_session, in_a_session, alone)[number % 4]
            place = folder / str(number)
            place.mkdir(parents=True)
            await way(engine, ollama, place)
            wall_s, made = await ollama.build()
            found[way].append(wall_s)
            calls.add(made)
    # The same build, whichever way.
    assert len(calls) == 1
    return found


@pytest.mark.timeout(900)
def test_wall_clock_in_a_session_over_that_of_the_engine_alone(
    scale: Scale, results: Results, tmp_path: Path
) -> None:
    """Both ways in turns; what is promised is promised for the model's default pace."""
    rows = [(engine, ROUNDS, pace, settings) for engine in PROGRAMS for pace, settings in PACES.items()]
    if scale is Scale.QUICK:
        rows = [("async", 1, pace, settings) for pace, settings in list(PACES.items())[1:]]
    if scale is Scale.ONCE:
        rows = [("async", 1, "no pace", SimulateSettings(ttft_s=0.001, tokens_per_s=50_000))]
    for engine, rounds, pace, settings in rows:
        found = asyncio.run(measured(engine, rounds, settings, tmp_path / engine / pace))
        ratios = [session_s / own_s for own_s, session_s in zip(*found.values(), strict=True)]
        promise = MOST_RATIO if settings == SimulateSettings() else None
        subject = f"{engine} in a session"
        results.ratio("Gateway", f"a build at {pace}", subject, ratios, over="alone", at_most=promise)
        for way, what in ((alone, "s alone"), (in_a_session, "s in a session")):
            results.figure("Gateway", f"a build at {pace}", subject, median(found[way]), what)
