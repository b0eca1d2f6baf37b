"""`harness templates`: which there are, what they yield before a model is asked, and whether they hold."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from async_arch.project_templates import PROJECT_FILES
from harness.templates import check_templates, list_templates
from tests.end_to_end.harness_command import run_command

ROOT = Path(__file__).parents[1]
OURS = ROOT / "templates"
SPEC = """\
name: notes
idea: Notes with "tags".
modules:
  - {name: Notes, module_type: data, description: Keeps notes.}
  - {name: Tagging, requires: [Notes]}
  - {name: Desk, module_type: web_interface, requires: [Tagging]}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a template in place of one of ours, a part of it, and one that nothing uses."""
    folder = tmp_path / "own"
    (folder / "project").mkdir(parents=True)
    (folder / "project" / "setup.py.j2").write_text('{% include "project/word.j2" %}\n')
    (folder / "project" / "word.j2").write_text('"""Ours."""\n')
    (folder / "project" / "left_over.j2").write_text("")
    (folder / "readme.txt").write_text("no template")
    return folder


def test_every_template_of_ours_is_listed_and_used(tmp_path: Path) -> None:
    code, out, err = run_command(tmp_path, "templates", "list", "--json")
    assert (code, err) == (0, "")
    listed = {entry["name"]: entry for entry in json.loads(out)}
    assert listed.keys() == {path.relative_to(OURS).as_posix() for path in OURS.rglob("*.j2")}
    assert {entry["origin"] for entry in listed.values()} == {"ours"}
    assert [name for name, entry in listed.items() if entry["renders"].startswith("nothing")] == []
    assert all(Path(entry["file"]).read_text() for entry in listed.values())
    assert listed["project/main_web.py.j2"]["renders"] == "main.py of a web application"
    assert listed["module/data.py.j2"]["renders"] == "modules of the type data"


def test_what_takes_the_place_of_ours_is_listed_as_such(own: Path, tmp_path: Path) -> None:
    changed = {
        facts.name: (facts.origin.value, facts.file, facts.renders)
        for facts in list_templates(own)
        if facts.origin != "ours"
    }
    assert changed == {
        "project/setup.py.j2": ("overridden", str(own / "project/setup.py.j2"), "setup.py"),
        "project/word.j2": ("added", str(own / "project/word.j2"), "part of project/setup.py.j2"),
        "project/left_over.j2": (
            "added",
            str(own / "project/left_over.j2"),
            "nothing: no template names it",
        ),
    }
    _, out, _ = run_command(tmp_path, "templates", "list", "--templates", "own")
    assert ["project/setup.py.j2", "overridden", "setup.py"] in [line.split() for line in out.splitlines()]


@pytest.mark.parametrize("command", [("list",), ("check",), ("render", "notes.yaml")])
@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("nowhere", "there is no such folder; give one with templates"),
        ("notes.yaml", "there is no such folder; give one with templates"),
        ("empty", "holds no template; their names end in .j2"),
    ],
)
def test_a_folder_without_templates_is_refused(
    tmp_path: Path, command: tuple[str, ...], folder: str, said: str
) -> None:
    (tmp_path / "notes.yaml").write_text(SPEC)
    (tmp_path / "empty").mkdir()
    code, out, err = run_command(tmp_path, "templates", *command, "--templates", folder)
    assert (code, out, err) == (2, "", f"harness: {folder}: {said}\n")


def test_what_the_templates_yield_for_a_spec_is_shown_with_its_gaps(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text(SPEC)
    code, out, _ = run_command(tmp_path, "templates", "render", "notes.yaml", "--json")
    assert code == 0
    shown = json.loads(out)
    files = {file["path"]: file for file in shown["files"]}
    assert files.keys() == {"notes.py", "tagging.py", "desk.py", *PROJECT_FILES}
    assert files["tagging.py"]["template"] == "module/service.py.j2"
    assert files["main.py"]["template"] == "project/main_web.py.j2"
    assert shown["whole"] == ["templates/desk.html"]
    for path, names in {"notes.py": {"shared", "add_entry", "get_entry"}, "desk.py": {"page_groups"}}.items():
        gaps = {gap["name"]: gap for gap in files[path]["gaps"]}
        assert gaps.keys() >= names
        lines = files[path]["content"].splitlines()
        assert all(f'"gap: {name}"' in lines[gap["line"] - 1] for name, gap in gaps.items())
        assert all(gap["does"] for gap in gaps.values())


def test_one_module_is_shown_alone_and_as_text(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text(SPEC)
    code, out, _ = run_command(tmp_path, "templates", "render", "notes.yaml", "--module", "Tagging")
    assert code == 0
    assert out.startswith("=== tagging.py from module/service.py.j2\n")
    assert "def add_entry(text: str) -> dict:" in out
    assert "  gap add_entry, line " in out
    assert "No model was asked." in out
    assert "notes.py" not in out


def test_what_is_rendered_is_written_to_a_new_folder_and_never_over_anything(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text(SPEC)
    arguments = ("templates", "render", "notes.yaml", "--output", "made/notes")
    assert run_command(tmp_path, *arguments)[0] == 0
    written = {path: path.read_text() for path in (tmp_path / "made").rglob("*") if path.is_file()}
    names = {path.relative_to(tmp_path / "made/notes").as_posix() for path in written}
    assert names == {"notes.py", "tagging.py", "desk.py", *PROJECT_FILES}
    main = tmp_path / "made/notes/main.py"
    main.write_text("mine")
    code, _, err = run_command(tmp_path, *arguments)
    assert (code, err) == (2, "harness: made/notes: there is something already; give a new folder\n")
    assert main.read_text() == "mine"
    code, _, err = run_command(tmp_path, *arguments[:-1], "notes.yaml")
    assert (code, (tmp_path / "notes.yaml").read_text()) == (2, SPEC)
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["notes"]


@pytest.mark.parametrize(
    ("spec", "arguments", "said"),
    [
        ("name: bare\nidea: Notes.\n", (), "bare: the spec names no modules, and only a model could; "),
        (SPEC, ("--module", "Tags"), "'Tags' is not a module of notes; there are Notes, Tagging, Desk"),
        (
            "name: twice\nidea: N.\nmodules: [{name: MyNotes}, {name: my_notes}]\n",
            (),
            "twice: file name 'my_notes.py' is used twice",
        ),
        (SPEC, ("--templates", "bad"), "bad: project/setup.py.j2, line 2: 'nothing' is undefined"),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_one_line(
    tmp_path: Path, spec: str, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "spec.yaml").write_text(spec)
    (tmp_path / "bad" / "project").mkdir(parents=True)
    (tmp_path / "bad" / "project" / "setup.py.j2").write_text('"""x"""\n{{ nothing }}\n')
    code, out, err = run_command(tmp_path, "templates", "render", "spec.yaml", *arguments, "--output", "made")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"harness: {said}")
    assert not (tmp_path / "made").exists()


def test_our_templates_hold(tmp_path: Path) -> None:
    code, out, err = run_command(tmp_path, "templates", "check", "--json")
    assert (code, err) == (0, "")
    checked = json.loads(out)
    assert checked == {"templates": len(list(OURS.rglob("*.j2"))), "files": 39, "ruff": True, "faults": []}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("project/setup.py.j2", "setup()", "{% if %}", "project/setup.py.j2, line 6: "),
        ("project/setup.py.j2", "setup()", "{{ x }}", "project/setup.py.j2, line 6: 'x' is undefined"),
        ("project/setup.py.j2", "setup()", "setup(", "project/setup.py.j2, line 6: what it yields is not"),
        ("project/setup.py.j2", "setup()", "setup(x)", "project/setup.py.j2, line 6: ruff F821: "),
        ("project/setup.py.j2", "setup()", 'a = "\\d"', "project/setup.py.j2, line 6: "),
        ("project/pyproject.toml.j2", "[project]", "[project", "project/pyproject.toml.j2"),
        ("project/requirements.txt.j2", "{% else %}", "orders{% else %}", "project/requirements.txt.j2"),
        ("page/base.html.j2", "{% raw %}", "{{ '{% x %}' | safe }}{% raw %}", "page/base.html.j2: "),
        ("module/keeping.py.j2", "threading.Lock()", "threading.Lock(", "module/keeping.py.j2, line "),
        ("module/keeping.py.j2", "threading.Lock()", "{{ x }}", "module/keeping.py.j2, line "),
    ],
)
def test_a_template_that_does_not_hold_is_named_with_its_line(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    source = (OURS / name).read_text()
    assert old in source
    target = tmp_path / "own" / name
    target.parent.mkdir(parents=True)
    target.write_text(source.replace(old, new, 1))
    code, out, err = run_command(tmp_path, "templates", "check", "--templates", "own")
    assert (code, err) == (1, "")
    assert out.startswith(said)
    assert out.endswith(" fault\n") or out.endswith(" faults\n")


def test_a_file_that_is_no_text_is_named(own: Path) -> None:
    (own / "project" / "word.j2").write_bytes(b"\xff\xfe")
    faults = check_templates(own).faults
    assert [fault.template for fault in faults] == ["project/word.j2"]
    assert "UTF-8" in faults[0].reason


def test_the_same_fault_in_many_files_is_told_once(tmp_path: Path) -> None:
    target = tmp_path / "module" / "keeping.py.j2"
    target.parent.mkdir()
    target.write_text(
        (OURS / "module/keeping.py.j2").read_text().replace("threading.Lock()", "threading.Lock(")
    )
    (fault,) = check_templates(tmp_path).faults
    assert fault.template == "module/keeping.py.j2"
    # Six modules that keep something, in each of three projects.
    assert fault.samples == 18


def test_where_ruff_is_not_installed_the_check_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    code, out, _ = run_command(tmp_path, "templates", "check")
    assert code == 0
    assert out.endswith("compiled; ruff is not installed: nothing is wrong\n")


@pytest.mark.parametrize("does", ["exit 0", "echo '[]'; echo panic >&2; exit 101"])
def test_a_ruff_that_fails_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    ruff = tmp_path / "ruff"
    ruff.write_text(f"#!/bin/sh\n{does}\n")
    ruff.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: str(ruff))
    code, out, err = run_command(tmp_path, "templates", "check")
    assert (code, out) == (3, "")
    assert "did not look at what the templates yield" in err


def test_what_is_rendered_is_formatted(tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_text(SPEC)
    run_command(tmp_path, "templates", "render", "notes.yaml", "--output", "made")
    done = subprocess.run(
        ["ruff", "format", "--check", "made"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
