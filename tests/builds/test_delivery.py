"""The delivery: all files or none, and never over something that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.builds.delivery import check_output, deliver
from harness.errors import BadInputError, SurroundingsError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "pages").mkdir(parents=True)
    (folder / "main.py").write_text("print()\n")
    (folder / "pages" / "index.html").write_text("<p>")
    return folder


@pytest.mark.parametrize("there", [False, True])
def test_all_files_are_delivered_into_a_new_or_an_empty_folder(
    files: Path, tmp_path: Path, there: bool
) -> None:
    output = tmp_path / "shop"
    if there:
        output.mkdir()
    check_output(output)
    deliver(files, output)
    assert sorted(path.name for path in output.rglob("*")) == ["index.html", "main.py", "pages"]
    assert (files / "main.py").exists()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("a file", "is there already and not overwritten; name another"),
        ("a full folder", "is there already and not overwritten; name another"),
        ("nowhere", "is no folder; make it first, or name another"),
    ],
)
def test_where_nothing_can_be_delivered_is_said_before_anything_is_built(
    tmp_path: Path, what: str, words: str
) -> None:
    output = tmp_path / "shop"
    if what == "a file":
        output.write_text("mine")
    elif what == "a full folder":
        output.mkdir()
        (output / "mine").write_text("mine")
    else:
        output = tmp_path / "missing" / "shop"
    with pytest.raises(BadInputError, match=words):
        check_output(output)


def test_what_breaks_on_the_way_leaves_nothing_and_says_where_the_build_is(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Path, target: Path, symlinks: bool) -> None:
        target.mkdir()
        (target / "main.py").write_bytes((source / "main.py").read_bytes())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.builds.delivery.shutil.copytree", half)
    with pytest.raises(SurroundingsError, match=rf"No space left on device; what was built is in {files}"):
        deliver(files, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == [files]


def test_a_folder_that_somebody_filled_meanwhile_is_left_as_it_is(files: Path, tmp_path: Path) -> None:
    output = tmp_path / "shop"
    check_output(output)
    output.mkdir()
    (output / "mine").write_text("mine")
    with pytest.raises(SurroundingsError):
        deliver(files, output)
    assert [path.name for path in output.iterdir()] == ["mine"]
