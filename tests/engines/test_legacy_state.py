"""The legacy loop's state in Redis or mirrored there: what is in it, and what becomes of a run without."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome, MirrorReport, TaskEvent
from agents.conversation import ModelRequest
from agents.plan import ModuleHint
from agents.project import Order
from agents.roles import Role
from agents.workflow import Reads
from async_arch.composition import StateStoreKind
from async_arch.embedded_redis import EmbeddedRedis, embedded_redis
from async_arch.lease import holder_of
from async_arch.redis_client import open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from harness.engines.legacy_state import open_legacy_state
from harness.engines.legacy_state.background import open_in_background
from legacy.factory_boss import FactoryBoss
from legacy.json_blackboard import JsonBlackboard
from tests.network.proxy import proxying
from tests.simulated_calls import SimulatedModel

ORDER = Order(
    "A list of books, «Größe» and 店.", (ModuleHint("Books"), ModuleHint("Shelf", requires=("Books",)))
)
RUN = "run"

Happening = Callable[[], None]


@dataclass(frozen=True)
class Network:
    """A server, how clients reach it, and how it is taken away from them and given back."""

    server: EmbeddedRedis
    url: str
    take: Happening
    give_back: Happening
    ask: Callable[[Callable[[], Awaitable[str | None]]], str | None]


@dataclass(frozen=True)
class Left:
    """What a build came to."""

    outcome: BuildOutcome
    events: list[TaskEvent]
    mirror: MirrorReport | None


@pytest.fixture
def network() -> Iterator[Network]:
    """Beside the test, which blocks as the legacy loop does."""
    with (
        open_in_background(embedded_redis()) as (_, server),
        open_in_background(proxying(Path(urlsplit(server.url).path))) as (portal, proxy),
    ):
        yield Network(
            server,
            f"redis://127.0.0.1:{proxy.port}/0",
            lambda: portal.call(proxy.disappear),
            lambda: portal.call(proxy.appear),
            portal.call,
        )


@contextmanager
def threads_that_end() -> Iterator[None]:
    before = set(threading.enumerate())
    try:
        yield
    finally:
        # A lease is renewed by a thread that is told to stop and not waited for.
        left = {thread for thread in threading.enumerate() if not thread.name.startswith("lease")}
        assert left <= before


def at(role: Role, module: str | None, happening: Happening) -> SimulatedModel:
    """A model while whose answer to `role` for `module` something happens."""

    def twist(request: ModelRequest, text: str) -> str:
        if (request.role, request.module) == (role, module):
            happening()
        return text

    return SimulatedModel(twist)


def build(
    store: StateStoreKind, url: str, folder: Path, model: SimulatedModel, *, patience_s: float = 5.0
) -> Left:
    events: list[TaskEvent] = []
    with (
        threads_that_end(),
        open_legacy_state(store, JsonBlackboard, url=url, run=RUN, patience_s=patience_s) as state,
    ):

        def tell(event: TaskEvent) -> None:
            state.announce(event)
            events.append(event)

        outcome = FactoryBoss(folder, model, lambda: "t", tell, state.open_board).build(ORDER)
        return Left(outcome, events, state.mirrored())


def alone(folder: Path) -> bytes:
    """The blackboard that the loop writes by itself."""
    folder.mkdir()
    FactoryBoss(folder, SimulatedModel(), lambda: "t", lambda _: None).build(ORDER)
    return (folder / "blackboard.json").read_bytes()


def in_redis(url: str) -> tuple[dict[str, object], dict[str, str]]:
    """The document of the run, and its files."""
    with open_in_background(RedisStateManager.open(url, RUN)) as (portal, state):
        files = portal.call(state.read, Reads(all_files=True)).files
        return portal.call(state.snapshot), dict(files)


def test_redis_has_the_document_the_files_and_every_event(network: Network, tmp_path: Path) -> None:
    left = build(StateStoreKind.REDIS, network.url, tmp_path, SimulatedModel())
    board, files = in_redis(network.url)
    assert files == {
        path: (tmp_path / path).read_text()
        for path in board["files_created"]  # type: ignore[attr-defined]
    }
    assert {"main.py", "books.py"} <= files.keys()

    async def streamed(state: RedisStateManager) -> list[TaskEvent]:
        return [event async for event in state.events()]

    with open_in_background(RedisStateManager.open(network.url, RUN)) as (portal, state):
        assert portal.call(streamed, state) == left.events


def test_while_redis_leads_there_is_no_file(network: Network, tmp_path: Path) -> None:
    """A file that nobody keeps up to date would be read as the state."""
    seen: list[bool] = []
    model = at(Role.INTEGRATOR, None, lambda: seen.append((tmp_path / "blackboard.json").exists()))
    build(StateStoreKind.REDIS, network.url, tmp_path, model)
    assert seen == [False]
    assert (tmp_path / "blackboard.json").read_bytes() == alone(tmp_path / "alone")


def test_a_mirror_whose_redis_goes_for_good_is_behind_and_the_run_is_as_ever(
    network: Network, tmp_path: Path
) -> None:
    model = at(Role.DEVELOPER, "Books", lambda: os.kill(network.server.pid, signal.SIGKILL))
    began = time.monotonic()
    left = build(StateStoreKind.MIRROR, network.url, tmp_path, model, patience_s=0.3)
    # It is waited for at the end, once, and not at every save.
    assert time.monotonic() - began < 5.0
    assert left.outcome == BuildOutcome(ProjectStatus.COMPLETE)
    assert (tmp_path / "blackboard.json").read_bytes() == alone(tmp_path / "alone")
    assert left.mirror is not None
    assert not left.mirror.caught_up
    assert left.mirror.verified < left.mirror.saves
    assert "no answer from Redis at" in str(left.mirror.problem)


def test_a_mirror_whose_redis_is_back_before_the_end_has_caught_up(network: Network, tmp_path: Path) -> None:
    def twist(request: ModelRequest, text: str) -> str:
        match request.role, request.module:
            case Role.DEVELOPER, "Books":
                network.take()
            case Role.INTEGRATOR, None:
                network.give_back()
        return text

    left = build(StateStoreKind.MIRROR, network.url, tmp_path, SimulatedModel(twist))
    assert left.mirror is not None
    assert left.mirror.caught_up
    board, _ = in_redis(network.url)
    text = (tmp_path / "blackboard.json").read_text()
    assert text == alone(tmp_path / "alone").decode()
    assert board == json.loads(text)


def test_a_redis_that_leads_and_goes_for_good_is_unavailable_state(network: Network, tmp_path: Path) -> None:
    model = at(Role.DEVELOPER, "Books", network.take)
    with pytest.raises(StateUnavailable, match=r"no answer from Redis at .* for 0\.3 s"):
        build(StateStoreKind.REDIS, network.url, tmp_path, model, patience_s=0.3)


def test_a_redis_that_leads_and_is_away_for_a_while_is_waited_for(network: Network, tmp_path: Path) -> None:
    def away_for_a_while() -> None:
        network.take()
        threading.Timer(0.3, network.give_back).start()

    left = build(StateStoreKind.REDIS, network.url, tmp_path, at(Role.DEVELOPER, "Books", away_for_a_while))
    assert left.outcome == BuildOutcome(ProjectStatus.COMPLETE)
    assert (tmp_path / "blackboard.json").read_bytes() == alone(tmp_path / "alone")


@pytest.mark.parametrize("store", [StateStoreKind.MIRROR, StateStoreKind.REDIS])
def test_a_redis_that_never_was_there_is_told_before_anything_is_begun(
    store: StateStoreKind, tmp_path: Path
) -> None:
    model = SimulatedModel()
    with pytest.raises(StateUnavailable, match=r"no answer from Redis at redis://127\.0\.0\.1:1/0"):
        build(store, "redis://127.0.0.1:1/0", tmp_path, model)
    assert model.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_held_while_redis_leads_and_then_no_longer(network: Network, tmp_path: Path) -> None:
    """So that no second process works on it."""

    async def holder() -> str | None:
        async with open_redis(network.server.url) as connection:
            return await holder_of(connection, RUN)

    holders: list[str | None] = []
    model = at(Role.DEVELOPER, "Books", lambda: holders.append(network.ask(holder)))
    build(StateStoreKind.REDIS, network.url, tmp_path, model)
    assert str(holders[0]).startswith(f"process {os.getpid()} on ")
    assert network.ask(holder) is None


@pytest.mark.parametrize("store", [StateStoreKind.MIRROR, StateStoreKind.REDIS])
def test_nothing_is_left_in_the_background_of_a_loop_that_breaks(
    store: StateStoreKind, network: Network, tmp_path: Path
) -> None:
    def broken() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(store, network.url, tmp_path, at(Role.DEVELOPER, "Books", broken))
