"""The work of a spec: from the newest whole run of it that says what both engines do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.doctor.workload import PlannedCall, Workload, recorded_workload
from harness.record import ModelFacts, RunStore
from harness.spec import Expectations, Spec
from tests.compare.records import BOARD, make_call, make_failure, make_record
from tests.record.manifests import make_manifest

SPEC = Spec(name="shop", idea="a shop", expect=Expectations(modules=3))


def keep(store: RunStore, run: str, kind: str = "ollama", calls: int = 1, **parts: Any) -> None:
    """Store a run of the shop with so many calls for its cart."""
    folder = store.folder(run)
    folder.mkdir(parents=True)
    made = [make_call("analyst", None), *(make_call(number=number + 2) for number in range(calls))]
    manifest = {name: parts.pop(name) for name in ("spec",) if name in parts}
    record = make_record(folder, calls=made, model=ModelFacts(kind=kind, name="m"), **parts)
    store.begin(make_manifest(run, **manifest))
    (folder / "blackboard.json").write_text(json.dumps(BOARD))
    store.save(record)


def found(store: RunStore, kind: str = "ollama") -> Workload | None:
    return recorded_workload(SPEC, store, kind)


def test_the_calls_are_those_of_the_run_with_what_they_wait_for(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    keep(store, "20240501-100000-shop-async-aaaaaa", calls=2)
    work = found(store)
    assert work is not None
    assert work.calls == (PlannedCall(10, 20),) * 3
    assert work.waits_for == ((), (0,), (1,))
    assert (work.modules, work.estimated) == (3, False)
    assert "20240501-100000-shop-async-aaaaaa" in work.source


def test_the_newest_run_counts_but_one_with_the_same_kind_of_model_counts_more(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    keep(store, "20240501-100000-shop-async-aaaaaa", "ollama", calls=1)
    keep(store, "20240501-110000-shop-async-aaaaaa", "ollama", calls=2)
    keep(store, "20240501-120000-shop-async-aaaaaa", "simulated", calls=3)
    for kind, calls, estimated in (("ollama", 2, False), ("simulated", 3, True), ("local", 3, True)):
        work = found(store, kind)
        assert work is not None
        assert (len(work.calls) - 1, work.estimated) == (calls, estimated)


@pytest.mark.parametrize(
    "parts",
    [{"failures": [make_failure(Cause.MODEL)]}, {"spec": Spec(name="shop", idea="another shop")}],
    ids=["failed", "another spec"],
)
def test_a_run_that_failed_or_is_of_another_spec_says_nothing(parts: dict[str, Any], tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    keep(store, "20240501-100000-shop-async-aaaaaa", **parts)
    assert found(store) is None


def test_a_run_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    keep(store, "20240501-100000-shop-async-aaaaaa")
    keep(store, "20240501-110000-shop-async-aaaaaa")
    (store.folder("20240501-110000-shop-async-aaaaaa") / "record.json").write_text("{}")
    work = found(store)
    assert work is not None
    assert "100000" in work.source
