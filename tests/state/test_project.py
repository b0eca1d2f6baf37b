"""Projects: found wherever a blackboard is, each under one name, and told apart from others of that name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import BadInputError
from harness.state.project import find_projects, project_at, safe_name
from tests.state.projects import write


def test_a_folder_and_the_file_in_it_are_one_project(tmp_path: Path) -> None:
    for place in ("blackboard.json", ".factory/blackboard.json"):
        folder = tmp_path / place.partition("/")[0] / "shop"
        file = write(folder, place=place)
        by_folder, by_file = project_at(folder), project_at(file)
        assert (by_file.path, by_file.run) == (by_folder.path, by_folder.run)
        assert by_folder.board == by_file.board == file


def test_the_way_to_a_project_makes_no_other_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shop")
    (tmp_path / "link").symlink_to(tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    runs = {project_at(path).run for path in (Path("shop"), Path("link"), tmp_path / "shop" / ".." / "shop")}
    assert len(runs) == 1


def test_the_run_id_says_which_project_and_tells_equal_names_apart(tmp_path: Path) -> None:
    one, other = project_at(tmp_path / "a" / "my shop"), project_at(tmp_path / "b" / "my shop")
    assert re.fullmatch(r"my-shop-[0-9a-f]{8}", one.run)
    assert one.run != other.run
    assert project_at(tmp_path / "a", "shop.1").run == "shop.1"


def test_a_file_of_another_name_is_a_project_of_its_own(tmp_path: Path) -> None:
    write(tmp_path)
    kept = write(tmp_path, place="kept.json")
    assert project_at(kept).run != project_at(tmp_path).run
    assert project_at(kept).board == kept


@pytest.mark.parametrize("name", ["", "a b", "{a}", "../a", "-a", "x" * 101])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="--as"):
        project_at(tmp_path, name)


def test_two_blackboards_in_a_project_are_not_chosen_between(tmp_path: Path) -> None:
    first = write(tmp_path)
    second = write(tmp_path, place=".factory/blackboard.json")
    with pytest.raises(BadInputError, match="two blackboards"):
        _ = project_at(tmp_path).board
    assert project_at(second).board == second
    assert project_at(first).board == first


def test_a_folder_of_projects_stands_for_those_in_it(tmp_path: Path) -> None:
    for name in ("project_2", "project_1"):
        write(tmp_path / name)
    write(tmp_path / "project_3", place=".factory/blackboard.json")
    (tmp_path / "venv").mkdir()
    found = find_projects([tmp_path])
    assert [project.path.name for project in found] == ["project_1", "project_2", "project_3"]


def test_a_project_that_is_known_needs_no_file_any_more(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    write(tmp_path / "there")
    gone = (tmp_path / "gone").resolve()
    assert [each.path for each in find_projects([tmp_path / "gone"], known={gone})] == [gone]
    assert len(find_projects([tmp_path], known={gone})) == 2
    (tmp_path / "gone").rmdir()
    assert [each.path for each in find_projects([tmp_path / "gone"], known={gone})] == [gone]


def test_what_is_no_project_is_one_clear_line(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    (tmp_path / "empty").mkdir()
    for paths, name, words in (
        ([tmp_path / "nowhere"], None, "no such file or folder"),
        ([tmp_path / "empty"], None, "has a blackboard.json"),
        ([tmp_path, tmp_path / "shop"], None, "is there twice"),
        ([tmp_path / "shop", tmp_path / "shop" / "blackboard.json"], None, "is there twice"),
    ):
        with pytest.raises(BadInputError, match=words) as refused:
            find_projects(paths, name)
        assert "\n" not in str(refused.value)
    write(tmp_path / "other")
    with pytest.raises(BadInputError, match="one name, and there are 2"):
        find_projects([tmp_path], "shop")


def test_a_name_is_safe_in_a_path() -> None:
    assert safe_name("../größe/店 x" + "y" * 100).startswith("..-größe-店-xyy")
    assert len(safe_name("y" * 100)) == 60
    assert safe_name("") == "-"
