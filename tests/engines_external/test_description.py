"""The file that describes an external engine: whatever is wrong, one line says what would be right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.engines.external.description import read_description
from harness.engines.finding import find_engine
from harness.errors import BadInputError

WHOLE = """
name: agentfactory
command: ["{python}", "factory_boss.py", "--idea", "{idea}", "--note", "{{as is}}"]
source: checkout
python: venv/bin/python
env: {PIP_NO_INDEX: "1", PYTHONHASHSEED: 0}
output: "output/project_*"
blackboard: ["blackboard.json", ".factory/blackboard.json"]
success: "BUILD COMPLETE"
timeout_s: 600
"""
LEAST = "name: a\ncommand: [make]\noutput: out\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkout").mkdir()
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path


def described(folder: Path, text: str) -> Path:
    path = folder / "engine.yaml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file_and_links_are_kept(folder: Path) -> None:
    about = read_description(described(folder, WHOLE))
    assert about.source == folder / "checkout"
    assert about.python == folder / "venv" / "bin" / "python"
    assert about.env == {"PIP_NO_INDEX": "1", "PYTHONHASHSEED": "0"}
    assert about.blackboard == ("blackboard.json", ".factory/blackboard.json")
    assert about.timeout_s == 600


def test_an_idea_is_one_word_of_the_command_whatever_is_in_it(folder: Path) -> None:
    words = read_description(described(folder, WHOLE)).words(
        idea="a {python} 'shop'\n$HOME", model="m", spec="s"
    )
    assert words == [
        str(folder / "venv" / "bin" / "python"),
        "factory_boss.py",
        "--idea",
        "a {python} 'shop'\n$HOME",
        "--note",
        "{as is}",
    ]


def test_little_must_be_said(folder: Path) -> None:
    about = read_description(described(folder, LEAST + "blackboard: state.json\n"))
    assert (about.source, about.python, about.success) == (None, Path(sys.executable), None)
    assert about.blackboard == ("state.json",)
    assert ".git" in about.exclude


BAD = {
    "no name": ("command: [make]\noutput: out\n", "1: the key 'name' is missing"),
    "a misspelled key": (LEAST + "sourse: x\n", "4: unknown key 'sourse'; did you mean 'source'?"),
    "no words": ("name: a\ncommand: []\noutput: out\n", "2: command: "),
    "a command as text": ("name: a\ncommand: make it\noutput: out\n", "2: command: must be a list"),
    "an unknown placeholder": (
        'name: a\ncommand: [make, "{ideas}"]\noutput: out\n',
        "2: command[1]: there is no placeholder {ideas}; there are {idea}, {model}, {python}, {spec}",
    ),
    "a brace alone": ('name: a\ncommand: ["{"]\noutput: out\n', "2: command[0]: "),
    "a placeholder with an attribute": (
        'name: a\ncommand: ["{idea.__class__}"]\noutput: out\n',
        "2: command[0]: there is no placeholder {idea.__class__}",
    ),
    "no such folder": (LEAST + "source: nowhere\n", "4: source: there is no folder "),
    "no such python": (LEAST + "python: bin/python\n", "4: python: there is no program "),
    "no such python on the PATH": (LEAST + "python: snake-1\n", "4: python: there is no snake-1 on the PATH"),
    "the way to the gateway": (
        LEAST + "env:\n  OLLAMA_HOST: x\n",
        "5: env: OLLAMA_HOST is set by the harness",
    ),
    "a variable that is none": (LEAST + "env: {a-b: x}\n", "4: env: 'a-b' is no name of a variable"),
    "a variable that is true": (LEAST + "env: {A: true}\n", "4: env.A: must be text"),
    "an output elsewhere": ("name: a\ncommand: [make]\noutput: ../out\n", "3: output: must stay below"),
    "an absolute output": ("name: a\ncommand: [make]\noutput: /out\n", "3: output: must stay below"),
    "a pattern that is none": (
        'name: a\ncommand: [make]\noutput: "a**"\n',
        "3: output: '**' stands for whole",
    ),
    "a blackboard elsewhere": (LEAST + "blackboard: [/etc/passwd]\n", "4: blackboard[0]: must stay below"),
    "no time at all": (LEAST + "timeout_s: 0\n", "4: timeout_s: "),
    "a name with a path": ("name: a/b\ncommand: [make]\noutput: out\n", "1: name: may hold letters"),
    "two engines": (LEAST + "---\n" + LEAST, "5: a file describes one engine"),
    "nothing": ("", "1: holds no description of an engine; it needs at least name, command and output"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line_with_its_place(case: str, folder: Path) -> None:
    text, said = BAD[case]
    path = described(folder, text)
    with pytest.raises(BadInputError) as error:
        read_description(path)
    line = str(error.value)
    assert line.startswith(f"{path}:{said}")
    assert "\n" not in line


def test_an_engine_is_found_by_its_file(folder: Path) -> None:
    assert find_engine(f"external:{described(folder, LEAST)}").name == "external:a"
    with pytest.raises(BadInputError, match="there is no such file; describe the engine in it"):
        find_engine(f"external:{folder / 'none.yaml'}")
    with pytest.raises(BadInputError, match=r"known are .*external:FILE\.yaml"):
        find_engine("external:")
