"""Writers that keep the blackboard in Redis, each over a connection of its own.

`python -m tests.state_test_bed.redis_writers URL RUN`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from multiprocessing.synchronize import Barrier

from agents.blackboard import Entry, Section
from async_arch.state_manager import RedisStateManager
from tests.state_test_bed.eight_writers import run_writers
from tests.state_test_bed.update import Update

__all__ = ["COUNTERS", "UPDATES", "counts"]

UPDATES = 5_000
"""How many all make together."""

COUNTERS = "counters"
"""The section whose members are raised: one for all writers, and one for each."""

_EVERY = 5


def counts(update: Update) -> bool:
    """Whether the update raises counters by reading and writing them; else it appends to two lists."""
    return update.number % _EVERY == 0


def write(url: str, run: str, updates: list[Update], together: Barrier) -> None:
    """Make the updates, one after the other."""
    asyncio.run(_write(url, run, updates, together))


async def _write(url: str, run: str, updates: list[Update], together: Barrier) -> None:
    # All write the first counter after all have read it: whoever is late has to begin anew.
    meeting = [together]

    def raised(update: Update, board: Mapping[str, object]) -> dict[str, object]:
        if meeting:
            meeting.pop().wait()
        counters = board.get(COUNTERS, {})
        assert isinstance(counters, dict)
        names = ("all", f"writer {update.writer}")
        return {COUNTERS: {**counters, **{name: counters.get(name, 0) + 1 for name in names}}}

    async with RedisStateManager.open(url, run) as state:
        for update in updates:
            if counts(update):
                await state.transaction([COUNTERS], partial(raised, update))
            else:
                position = (update.writer, update.number)
                sections = (Section.LOGS, Section.AGENT_REASONING)
                await state.add([Entry(section, position, "", str(update)) for section in sections])


if __name__ == "__main__":
    run_writers(partial(write, sys.argv[1], sys.argv[2]), UPDATES)
