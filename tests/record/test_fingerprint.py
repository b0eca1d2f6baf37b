"""Fingerprints: what changes a run changes its fingerprint, and the part that changed is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import harness.record.fingerprint as fingerprint
from harness.record.fingerprint import (
    ABSENT,
    Fingerprint,
    differing_parts,
    digest_of,
    source_digests,
    templates_digest,
)

ROOT = Path(__file__).parents[2]
MADE = Fingerprint(sources={"agents": "a", "legacy": "l"}, spec="s", flags="f", model="m", cassette="c")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sources": {"agents": "b", "legacy": "l"}}, ("sources of agents",)),
        ({"sources": {"agents": "a", "legacy": ABSENT}}, ("sources of legacy",)),
        ({"sources": {"agents": "a"}}, ("sources of legacy",)),
        ({"spec": "t", "cassette": None}, ("spec", "cassette")),
        ({"flags": "g", "model": "n"}, ("flags", "model")),
        ({}, ()),
    ],
)
def test_what_differs_is_named(change: dict[str, object], named: tuple[str, ...]) -> None:
    assert differing_parts(MADE, MADE.model_copy(update=change)) == named


def test_the_packages_of_the_engines_are_all_there() -> None:
    digests = source_digests()
    assert set(digests) == {"agents", "legacy", "async_arch", "harness.engines", "templates"}
    assert ABSENT not in digests.values()
    assert len(set(digests.values())) == 5


def test_templates_that_were_given_are_part_of_it_and_any_change_of_them_shows(tmp_path: Path) -> None:
    assert templates_digest(None) == {}
    (tmp_path / "main.py.j2").write_text("{{ name }}")
    before = templates_digest(tmp_path)
    (tmp_path / "main.py.j2").write_text("{{ name }} ")
    assert before.keys() == {"templates given"}
    assert templates_digest(tmp_path) != before


def _longer(package: Path) -> None:
    with (package / "conversation.py").open("a") as file:
        file.write("\n")


def _renamed(package: Path) -> None:
    (package / "conversation.py").rename(package / "talk.py")


def _one_more(package: Path) -> None:
    (package / "template.j2").write_text("{{ name }}")


def _compiled(package: Path) -> None:
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "conversation.cpython-311.pyc").write_bytes(b"other")


@pytest.mark.parametrize(
    ("change", "differs"), [(_longer, True), (_renamed, True), (_one_more, True), (_compiled, False)]
)
def test_any_change_of_the_sources_shows_and_what_is_built_from_them_does_not(
    change: Callable[[Path], None], differs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "agents"
    shutil.copytree(ROOT / "agents", package)

    class Found:
        submodule_search_locations = (str(package),)

    monkeypatch.setattr(fingerprint.importlib.util, "find_spec", lambda _: Found)
    before = fingerprint._digest_of_package("agents")
    change(package)
    assert (fingerprint._digest_of_package("agents") != before) == differs


def test_a_package_that_was_deleted_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint.importlib.util, "find_spec", lambda _: None)
    assert fingerprint._digest_of_package("legacy") == ABSENT


def test_the_order_of_keys_makes_no_difference_and_their_values_do() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
