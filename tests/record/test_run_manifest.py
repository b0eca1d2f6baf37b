"""The manifest of a run: it comes back as it was written, with a spec that can be run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.roles import Role
from async_arch.estimates import RoleWeight, TaskWeights
from harness.record import RunManifest, RunWeights, Sitting
from harness.spec import find_specs
from tests.record.manifests import SITTING, make_manifest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("spec", find_specs([EXAMPLES]), ids=lambda spec: spec.name)
def test_a_spec_needs_its_file_no_more(spec: object) -> None:
    """Strict fields, enums, pairs and options of every type come back from JSON as what they were."""
    options = {"temperature": 0.5, "num_ctx": 8192, "stop": "ü\u2028", "low_vram": True}
    manifest = make_manifest(spec=spec.model_copy(update={"options": options}))  # type: ignore[attr-defined]
    again = RunManifest.model_validate_json(manifest.model_dump_json())
    assert again == manifest
    assert again.spec.order == manifest.spec.order
    assert {name: type(value) for name, value in again.spec.options.items()} == {
        "temperature": float,
        "num_ctx": int,
        "stop": str,
        "low_vram": bool,
    }


def test_the_first_sitting_began_the_run_and_the_last_owns_it() -> None:
    later = Sitting(began_at="2024-05-02T08:00:00.000+00:00", pid=1, host="there")
    manifest = make_manifest(sittings=(SITTING, later))
    assert (manifest.began_at, manifest.owner) == (SITTING.began_at, later)


def test_a_run_that_nobody_began_is_none() -> None:
    with pytest.raises(ValidationError, match="sittings"):
        make_manifest(sittings=())


def test_what_ordered_its_tasks_comes_back_and_older_manifests_do_not_say() -> None:
    plain = TaskWeights()
    learnt = TaskWeights({**plain.roles, Role.REVIEWER: RoleWeight(9.5, 300)}, 0.01, 0.5)
    manifest = make_manifest(weights=RunWeights(learnt, ("earlier",)))
    again = RunManifest.model_validate_json(manifest.model_dump_json())
    assert again == manifest
    assert again.weights is not None
    assert again.weights.weights.roles[Role.REVIEWER] == RoleWeight(9.5, 300)
    older = RunManifest.model_validate_json(manifest.model_dump_json(exclude={"weights"}))
    assert older.weights is None
