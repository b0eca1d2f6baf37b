"""Nothing that lies in Redis is unpickled, and nothing there ends a worker."""

from __future__ import annotations

import ast
import asyncio
import importlib
import math
import pickle
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import docket
import pytest
import pytest_asyncio
import redis.asyncio
from docket import Docket
from hypothesis import given
from hypothesis import strategies as st

from agents.workflow import ANALYST
from async_arch.embedded_redis import embedded_redis
from async_arch.executor import Assignment
from async_arch.workers import docket_executor
from async_arch.workers.plain_data import NotPlain, confine, dumps, loads
from async_arch.workers.settings import ModelHost
from async_arch.workers.task_queue import PERFORM, TaskQueue, TaskReference, queue_name
from tests.executors.bed import CODE, ORDER, Bed, facts, working
from tests.executors.team_model import team_model, until

QUEUE = queue_name("default", CODE)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Canary:
    """Whoever unpickles it makes a file."""

    def __init__(self, nest: Path) -> None:
        self._nest = nest

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._nest,))


@given(PLAIN)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    assert loads(dumps(value)) == value


@given(PLAIN)
def test_no_pickle_is_plain_data(value: object) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(NotPlain):
            loads(pickle.dumps({"a": value}, protocol))


@given(st.binary())
def test_whatever_lies_in_redis_is_plain_data_or_refused(data: bytes) -> None:
    try:
        value = loads(data)
    except NotPlain:
        return
    assert loads(dumps(value)) == value


class _Text(str):
    __slots__ = ()


class _Number(int):
    pass


_ENDLESS: list[object] = []
_ENDLESS.append(_ENDLESS)


@pytest.mark.parametrize(
    "value",
    [
        *(b"bytes", {1}, object(), Path("x"), _Text("a"), _Number(1), {1: 2}, {"a": [b""]}),
        *(math.nan, math.inf, _ENDLESS, 10**5000, len, ValueError("x")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_not_written(value: object) -> None:
    with pytest.raises(NotPlain):
        dumps(value)


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "[" * 100_000, "", "{'a': 1}", "1 2"])
def test_what_is_no_json_is_not_read(text: str) -> None:
    with pytest.raises(NotPlain, match="what lies in Redis is no plain data: "):
        loads(text)


def test_docket_pickles_nowhere_else() -> None:
    """A new version that pickles in another place, or by another name, has to be looked at first."""
    confine()
    found = set(_pickling(Path(docket.__file__).parent))
    assert found == {
        ("docket.worker", ""),
        ("docket.execution", ""),
        ("docket.strikelist", ""),
        ("docket.docket", "get_execution"),
    }
    for module, function in found:
        if not function:
            assert importlib.import_module(module).cloudpickle.loads is loads
            assert importlib.import_module(module).cloudpickle.dumps is dumps
    assert TaskQueue.get_execution is not Docket.get_execution


def _pickling(package: Path) -> Iterator[tuple[str, str]]:
    """Where modules that pickle are imported: the module, and the function where it is done in one."""
    for path in package.rglob("*.py"):
        module = ".".join((package.name, *path.relative_to(package).with_suffix("").parts))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(node): function.name
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(alias.name for alias in node.names)]
            else:
                continue
            if {name.split(".")[0] for name in names} & _PICKLERS:
                yield module, inside.get(id(node), "")


_PICKLERS = {
    "pickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "marshal",
    "shelve",
    "copyreg",
    "joblib",
    "jsonpickle",
}


@pytest_asyncio.fixture
async def bed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    monkeypatch.setattr(docket_executor, "_LOOK_S", 0.1)
    monkeypatch.setattr(docket_executor, "_LOST_AFTER_S", 0.3)
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


@pytest_asyncio.fixture
async def client(bed: Bed) -> AsyncIterator[Any]:
    async with redis.asyncio.Redis.from_url(bed.redis_url, protocol=2) as client:
        yield client


def message(**parts: bytes) -> dict[bytes, bytes]:
    """A message that docket takes for a task, but for `parts`; empty ones are left out."""
    reference = TaskReference("another", "analyst", "1", 0)
    whole = {
        "key": reference.key.encode(),
        "when": b"2026-01-01T00:00:00+00:00",
        "function": PERFORM.encode(),
        "args": b"[]",
        "kwargs": dumps(reference.arguments()),
        "attempt": b"1",
        "generation": b"1",
    }
    return {name.encode(): part for name, part in {**whole, **parts}.items() if part}


async def test_what_is_no_task_is_dropped_and_the_worker_goes_on(
    bed: Bed, client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    canary = cloudpickle.dumps(Canary(tmp_path / "hatched"))
    arguments = TaskReference("run", "analyst", "1", 0).arguments()
    bad = [
        message(args=canary),
        message(kwargs=canary),
        message(key=b"\xff", args=canary),
        *(message(**{name: b""}) for name in ("key", "when", "function", "args", "kwargs", "attempt")),
        message(when=b"tomorrow"),
        message(attempt=b"many"),
        message(generation=b"first"),
        message(args=b"1"),
        message(kwargs=b"[]"),
        message(args=b'["run"]', kwargs=dumps(arguments)),
        message(kwargs=b"{}"),
        message(kwargs=dumps({**arguments, "place": "0"})),
        message(kwargs=dumps({**arguments, "run": None})),
        message(function=b"sleep", kwargs=b'{"seconds": 100000}'),
        message(function=b"os.system"),
    ]
    async with working(bed.redis_url) as (worker,):
        for each in bad:
            await client.xadd(f"{QUEUE}:stream", each)
        await until(lambda: facts(worker).dropped == len(bad), "all of it is dropped")
        async with bed.executing("run") as (_, executor):
            assert (await executor.execute(Assignment(ANALYST, 0, ORDER, None))).failure is None
        assert await client.xlen(f"{QUEUE}:stream") == 0
    assert bed.model.tasks == ["analyst"]
    assert not (tmp_path / "hatched").exists()
    assert (
        "in the queue is no task and is dropped: NotPlain: what lies in Redis is no plain data" in caplog.text
    )


async def test_strikes_that_somebody_put_into_redis_are_not_read(
    bed: Bed, client: Any, tmp_path: Path
) -> None:
    canary = cloudpickle.dumps(Canary(tmp_path / "hatched"))
    strike = {b"direction": b"strike", b"operator": b"==", b"function": PERFORM.encode()}
    await client.xadd(f"{QUEUE}:strikes", {**strike, b"value": dumps(None)})
    await client.xadd(f"{QUEUE}:strikes", {**strike, b"parameter": b"run", b"value": canary})
    async with working(bed.redis_url), bed.executing("run") as (_, executor):
        await client.xadd(f"{QUEUE}:strikes", {**strike, b"parameter": b"run", b"value": canary})
        assert (await executor.execute(Assignment(ANALYST, 0, ORDER, None))).failure is None
    assert not (tmp_path / "hatched").exists()


@pytest.mark.parametrize("damage", ["pickle", "nonsense", "another type"])
async def test_a_task_whose_record_was_written_over_is_done_all_the_same(
    bed: Bed, client: Any, tmp_path: Path, damage: str
) -> None:
    canary = cloudpickle.dumps(Canary(tmp_path / "hatched"))
    async with bed.executing("run") as (state, executor):
        doing = asyncio.create_task(executor.execute(Assignment(ANALYST, 0, ORDER, None)))
        runs = f"{QUEUE}:runs:{TaskReference('run', 'analyst', state.token, 0).key}"
        async with asyncio.timeout(10):
            while not await client.exists(runs):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        if damage == "pickle":
            await client.hset(runs, mapping={"args": canary, "kwargs": canary})
        elif damage == "nonsense":
            await client.hset(runs, mapping={"completed_at": "never", "started_at": "now", "worker": "w"})
        else:
            await client.set(runs, canary)
        async with working(bed.redis_url) as (worker,):
            assert (await doing).failure is None
            await until(lambda: facts(worker).done == 1, "it is counted")
            assert facts(worker).dropped == (damage != "pickle")
    assert not (tmp_path / "hatched").exists()


async def test_what_somebody_put_among_those_who_wait_for_a_slot_is_dropped(
    bed: Bed, client: Any, tmp_path: Path
) -> None:
    canary = cloudpickle.dumps(Canary(tmp_path / "hatched"))
    host = ModelHost("http://host", 1)
    waiters = f"{QUEUE}:host:{host.url}:concurrency:perform:waiters"
    for key in (b"planted", b"unknown"):
        await client.xadd(waiters, message(key=key, kwargs=canary))
    await client.hset(f"{QUEUE}:runs:planted", mapping={"state": "scheduled", "args": canary})
    async with (
        working(bed.redis_url) as (worker,),
        replace(bed, hosts=(host,)).executing("run") as (_, executor),
    ):
        # It stands behind them, and none of them gives it a slot.
        assert (await executor.execute(Assignment(ANALYST, 0, ORDER, None))).failure is None
        assert facts(worker).dropped == 1
    assert await client.exists(waiters) == 0
    assert not (tmp_path / "hatched").exists()
