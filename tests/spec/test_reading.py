"""Reading specs: whatever is wrong, one line says where, which key, and what would be right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.errors import BadInputError
from harness.spec import find_specs


def refusal(*paths: Path) -> str:
    with pytest.raises(BadInputError) as error:
        find_specs(paths)
    line = str(error.value)
    assert "\n" not in line
    return line


def written(folder: Path, text: str | bytes, name: str = "spec.yaml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


HEAD = "name: shop\nidea: a shop\n"
MODULES = HEAD + "modules:\n"

BAD: dict[str, tuple[str, str]] = {
    # Keys.
    "unknown key": (HEAD + "moduls: []\n", "3: unknown key 'moduls'; did you mean 'modules'?"),
    "nothing like it": (
        HEAD + "colour: red\n",
        "3: unknown key 'colour'; known are name, idea, model, options",
    ),
    "in a module": (
        MODULES + "  - name: A\n    requries: [B]\n",
        "5: unknown key 'modules[0].requries'; did you mean 'requires'?",
    ),
    "in expect": (
        HEAD + "expect:\n  min_speed: 2\n",
        "4: unknown key 'expect.min_speed'; did you mean 'min_speedup'?",
    ),
    "misspelled and so missing": ("nmae: a\nidea: b\n", "1: unknown key 'nmae'; did you mean 'name'?"),
    "missing": ("# a comment\n\nname: shop\n", "3: the key 'idea' is missing"),
    "missing in a module": (MODULES + "  - module_type: data\n", "4: the key 'modules[0].name' is missing"),
    "doubled": (HEAD + "model: a\nname: b\n", "4: the key 'name' stands here twice"),
    "doubled in a module": (
        MODULES + "  - name: A\n    description: x\n    description: y\n",
        "6: the key 'description' stands here twice",
    ),
    "doubled in quotes": (HEAD + '"name": b\n', "3: the key 'name' stands here twice"),
    "a key that is no text": (HEAD + "on: x\n", "3: the key 'on' is no text; put it in quotes"),
    "an option that is no text": (HEAD + "options:\n  1: 2\n", "4: the key '1' is no text; put it in quotes"),
    # Names.
    "a name with a path": ("name: ../shop\nidea: x\n", "1: name: spec name '../shop' is not usable: letters"),
    "an empty name": ('name: ""\nidea: x\n', "1: name: spec name '' is not usable"),
    "a module with a path": (
        MODULES + "  - name: ../../etc/passwd\n",
        "4: modules[0].name: module name '../../etc/passwd' is not usable",
    ),
    "doubled module": (
        MODULES + "  - name: Cart\n  - name: cart\n",
        "5: modules[1].name: module name 'cart' is used twice",
    ),
    # Requirements.
    "unknown requires": (
        MODULES + "  - name: A\n    requires:\n      - B\n",
        "6: modules[0].requires: 'B' is not a module of this spec; there are A",
    ),
    "requires itself": (
        MODULES + "  - name: A\n    requires: [A]\n",
        "5: modules[0].requires: module A requires itself",
    ),
    "a cycle": (
        MODULES
        + "  - name: X\n"
        + "  - {name: A, requires: [B]}\n  - {name: B, requires: [C]}\n  - {name: C, requires: [A]}\n",
        "5: modules[1].requires: modules require each other in a circle: ",
    ),
    # Expectations.
    "a pair of one": (
        HEAD + "expect:\n  parallel:\n    - [A]\n",
        "5: expect.parallel[0]: must be a pair, two names of modules",
    ),
    "a pair of three": (
        HEAD + "expect:\n  parallel: [[A, B, C]]\n",
        "4: expect.parallel[0]: must be a pair, two names of modules",
    ),
    "a pair of the same": (
        HEAD + "expect:\n  parallel: [[A, A]]\n",
        "4: expect.parallel[0]: 'A' is paired with itself",
    ),
    "an unknown pair": (
        MODULES + "  - name: A\nexpect:\n  parallel:\n    - [A, B]\n",
        "7: expect.parallel[0]: 'B' is not a module of this spec; there are A",
    ),
    "no speed-up": (HEAD + "expect:\n  min_speedup: 0\n", "4: expect.min_speedup: must be greater than 0"),
    "no modules": (HEAD + "expect:\n  modules: 0\n", "4: expect.modules: must be greater than or equal to 1"),
    # Types.
    "a number for a name": ("name: 3\nidea: x\n", "1: name: must be text; put it in quotes"),
    "yes for an idea": ("name: a\nidea: yes\n", "2: idea: must be text; put it in quotes"),
    "a blank idea": ("name: a\nidea: '  '\n", "2: idea: must not be empty"),
    "a blank model": (HEAD + "model: ''\n", "3: model: must not be empty"),
    "text for a list": (MODULES + "  - {name: A, requires: B}\n", "4: modules[0].requires: must be a list"),
    "a mapping for a list": (MODULES + "  A: {}\n", "4: modules: must be a list"),
    "text for a module": (MODULES + "  - A\n", "4: modules[0]: must be a mapping"),
    "nothing for a list": (MODULES, "3: modules: must be a list"),
    "an unknown type": (
        MODULES + "  - name: A\n    module_type: page\n",
        "5: modules[0].module_type: must be 'web_interface', 'service', 'data' or 'utility'",
    ),
    "text for a number": (HEAD + "expect: {min_speedup: fast}\n", "3: expect.min_speedup: must be a number"),
    "a fraction of modules": (HEAD + "expect: {modules: 1.5}\n", "3: expect.modules: must be a whole number"),
    "a list for an option": (
        HEAD + "options:\n  stop: [a]\n",
        "4: options.stop: must be a number, a text, true or false",
    ),
    "no number for an option": (
        HEAD + "options:\n  temperature: .inf\n",
        "4: options.temperature: must be a number that JSON has, not inf",
    ),
    "half a character": ('name: a\nidea: "\\ud800"\n', "2: idea: holds half of a character"),
    # YAML.
    "not closed": ("name: [a\nidea: b\n", "2: not valid YAML: "),
    "a colon": ("name: a\nidea: b: c\n", "2: not valid YAML: mapping values are not allowed here"),
    "a tab": ("name: a\n\tidea: b\n", "2: not valid YAML: while scanning for the next token found character"),
    "a control character": (
        "name: a\nidea: \x07\n",
        "2: not valid YAML: the character U+0007 may not",
    ),
    "an unknown alias": ("name: a\nidea: *b\n", "2: not valid YAML: found undefined alias 'b'"),
    "a list as a key": (
        HEAD + "? [a]\n: b\n",
        "3: not valid YAML: while constructing a mapping found",
    ),
    "no date": ("name: a\nidea: 2024-13-45\n", "2: not valid YAML: the value is no timestamp"),
    "no truth": ("name: a\nidea: !!bool perhaps\n", "2: not valid YAML: the value is no bool"),
    "no number": ("name: a\nidea: !!int ''\n", "2: not valid YAML: the value is no int"),
    "too big a number": (
        HEAD + f"options:\n  seed: {'9' * 5000}\n",
        "4: not valid YAML: the value is no int",
    ),
    "nested too deep": ("name: a\nidea: " + "[" * 2000, "1: not valid YAML: nested too deep"),
    # Documents.
    "empty": ("", "1: holds no spec; it needs at least name and idea"),
    "comments": ("# nothing\n---\n# here\n", "1: holds no spec; it needs at least name and idea"),
    "a list": ("- name: a\n", "1: a spec is a mapping with name and idea"),
    "a text": ("\nhello\n", "2: a spec is a mapping with name and idea"),
    "the second of two": (HEAD + "---\nname: other\n", "4: the key 'idea' is missing"),
    "two of one name": (HEAD + "---\n" + HEAD, "4: name: 'shop' is the name of "),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_file_line_and_key(case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    path = written(tmp_path, text)
    assert refusal(path).startswith(f"{path}:{words}")


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object:os.system",
        "!!python/object/apply:os.system [touch ran]",
        "!!python/object/new:os.system [touch ran]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple [a, b]",
        "!custom x",
    ],
)
def test_tags_that_make_objects_are_refused(
    tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, f"name: a\nidea: {tag}\n")
    assert refusal(path).startswith(
        f"{path}:2: not valid YAML: could not determine a constructor for the tag"
    )
    assert not (tmp_path / "ran").exists()


LEVELS = list(zip("abcdefghijkl", "bcdefghijklm", strict=True))

BOMBS = {
    "aliases": "a: &a [x, x, x]\n"
    + "".join(f"{other}: &{other} [{', '.join([f'*{one}'] * 9)}]\n" for one, other in LEVELS),
    "aliases in a mapping": HEAD
    + "options:\n  a: &a {x: 1}\n"
    + "".join(
        f"  {other}: &{other} {{{', '.join(f'x{i}: *{one}' for i in range(9))}}}\n" for one, other in LEVELS
    ),
    "merged keys": "a: &a {k: 1, l: 2}\n"
    + "".join(f"{other}: &{other} {{<<: [{', '.join([f'*{one}'] * 9)}]}}\n" for one, other in LEVELS),
    "itself": "name: x\nidea: y\nmodules: &a [*a]\n",
    "itself as a mapping": "&a\nname: x\nidea: y\nexpect: *a\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_few_lines_that_stand_for_billions_are_refused_at_once(bomb: str, tmp_path: Path) -> None:
    began = time.process_time()
    refusal(written(tmp_path, BOMBS[bomb]))
    assert time.process_time() - began < 5, "following every alias takes hours"


def test_merged_keys_are_read_where_there_are_not_billions(tmp_path: Path) -> None:
    text = MODULES + "  - &base {name: A, module_type: data}\n  - {<<: *base, name: B}\n"
    (spec,) = find_specs([written(tmp_path, text)])
    assert [(module.name, module.module_type) for module in spec.modules] == [("A", "data"), ("B", "data")]


def test_files_folders_and_documents_are_read_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    for name, spec in (("b.yml", "two"), ("a.yaml", "one"), ("c.txt", "none"), ("d.json", "none")):
        written(folder, f"name: {spec}\nidea: x\n", name)
    both = written(tmp_path, "---\nname: three\nidea: x\n---\n# empty\n---\nname: four\nidea: x\n...\n")
    assert [spec.name for spec in find_specs([folder, both])] == ["one", "two", "three", "four"]


def test_two_specs_of_one_name_are_refused_with_both_places(tmp_path: Path) -> None:
    """Their results could not be told apart."""
    first, second = written(tmp_path, HEAD, "a.yaml"), written(tmp_path, "# x\n" + HEAD, "b.yaml")
    assert refusal(first, second) == f"{second}:2: name: 'shop' is the name of {first}:1 already"


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (spec,) = find_specs([written(tmp_path, "\ufeffname: shop\r\nidea: ünï 漢字 🙂\r\n")])
    assert spec.idea == "ünï 漢字 🙂"


@pytest.mark.parametrize("content", [b"name: a\nidea: \xff\n", "name: a\nidea: b\n".encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(content: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    assert refusal(path) == f"{path}: cannot be read: it is not UTF-8 text"


def test_paths_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    dangling = tmp_path / "dangling.yaml"
    dangling.symlink_to("nowhere")
    folder = tmp_path / "folder"
    (folder / "a.yaml").mkdir(parents=True)
    assert refusal(tmp_path / "none.yaml").endswith("there is no such file or folder; give a spec.yaml")
    assert refusal(dangling).endswith("there is no such file or folder; give a spec.yaml")
    assert refusal(empty) == f"{empty}: the folder holds no .yaml file"
    assert refusal(folder) == f"{folder / 'a.yaml'}: cannot be read: Is a directory"
    assert refusal(tmp_path / ("x" * 5000)).endswith("cannot be read: File name too long")
