"""A place where people build while its owner migrates, and surroundings that many builds can share."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from unittest.mock import patch

from agents.build import TaskEvent
from async_arch.embedded_redis import embedded_redis
from harness.builds import BuildSettings, Built, build
from harness.evidence import Evidence, EvidenceStore
from harness.flags import FlagValues, Installation
from harness.gates import Criteria
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from harness.phases import Migration, promote
from harness.record import RunRecord
from harness.session import Session, SessionSettings
from harness.spec import Spec
from harness.surroundings import EMBEDDED

__all__ = ["FAST", "SHOWN", "Site", "Unwatched", "engines_in_process", "files_in", "shared_surroundings"]

FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=100_000)
SHOWN = Spec.model_validate(
    {
        "name": "notes",
        "idea": "Notes.",
        "modules": [
            {"name": "Notes", "module_type": "data", "description": "Notes with a title"},
            {"name": "Tags", "module_type": "data", "description": "Tags with a name"},
        ],
    }
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d")


class Unwatched:
    """A watcher that looks away."""

    def session_opened(self, session: Session) -> None: ...
    def run_started(self, spec: Spec, side: str, engine: str) -> None: ...
    def happened(self, event: TaskEvent) -> None: ...
    def progressed(self, text: str) -> None: ...
    def run_finished(self, record: RunRecord) -> None: ...


@asynccontextmanager
async def shared_surroundings(simulated: SimulateSettings = FAST) -> AsyncIterator[str]:
    """One gateway for all sessions with this model, and the URL of one Redis, as each takes a while."""

    @asynccontextmanager
    async def shared_or_own(
        found: Callable[[], Awaitable[GatewaySettings]], *_: object
    ) -> AsyncIterator[Gateway]:
        settings = await found()
        if (settings.upstream, settings.faults) == (simulated, ()):
            yield gateway
        else:
            async with running_gateway(settings) as own:
                yield own

    settings = GatewaySettings(upstream=simulated, token=secrets.token_urlsafe(24))
    async with running_gateway(settings) as gateway, embedded_redis() as server:
        with patch("harness.session.running_gateway", shared_or_own):
            yield server.url


@dataclass
class Site:
    """A folder with flags and a store, and the builds that people asked for there."""

    root: Path
    redis: str = EMBEDDED
    simulated: SimulateSettings = FAST
    # One spec shows enough here; what the defaults ask for is tested with the gates.
    criteria: Criteria = field(default_factory=lambda: Criteria(specs=1, runs=1))
    built: list[Built] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def store(self) -> Path:
        """Where runs and evidence are kept."""
        return self.root / "store"

    @property
    def migration(self) -> Migration:
        """The migration of this place."""
        return Migration(
            Installation(self.root / "flags.json"), self.store, dict.fromkeys(range(1, 5), self.criteria)
        )

    @property
    def session(self) -> SessionSettings:
        """What builds and comparisons are made with."""
        return SessionSettings(
            model="simulated", simulated=self.simulated, store=self.store, redis=self.redis
        )

    @property
    def values(self) -> FlagValues:
        """The flags as they stand."""
        return self.migration.installation.standing().values

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence that is kept, the oldest first."""
        return EvidenceStore(self.store).all()[0]

    async def build(
        self,
        name: str | None = None,
        *,
        sample: float = 1.0,
        fallback: bool = True,
        watcher: Unwatched | None = None,
    ) -> Built:
        """What somebody asks for, by default under a name of its own."""
        number = next(self.numbers)
        settings = BuildSettings(
            self.session,
            self.migration.installation,
            self.root / f"out{number}",
            fallback=fallback,
            sample=sample,
        )
        spec = SHOWN.model_copy(update={"name": name or f"notes{number}"})
        result = await build(spec, settings, watcher or Unwatched(), {})
        self.built.append(result)
        return result

    def go_on(self, steps: int) -> None:
        """Take so many steps, whatever their gates say."""
        for _ in range(steps):
            promote(self.migration, force=True, reason="to get there")


def files_in(folder: str | Path | None) -> dict[str, str]:
    """The text of every file in `folder`, by its path there, without the times at which it was made."""
    assert folder is not None, "nothing was delivered"
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): _TIME.sub("(a time)", path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@contextmanager
def engines_in_process(*users: str) -> Iterator[None]:
    """Engines that the modules `users` start run in this process, by the code that a worker runs."""
    from tests.end_to_end.in_process_engine import InProcessEngine

    with ExitStack() as stack:
        for user in users:
            stack.enter_context(patch(f"{user}.find_engine", lambda name, *_: InProcessEngine(name)))
        yield
