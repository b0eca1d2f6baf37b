"""A project's own settings: what they may say, and that what is wrong is named with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.compare.normalisation import BUILT_IN, PROJECT_RULES
from harness.errors import BadInputError
from harness.gates import default_criteria
from harness.project_file import ProjectFile, read_project_file

WHOLE = r"""
[normalisation]
off = ["own-run-id"]

[[normalisation.rule]]
id = "generated-at"
kind = "timestamp"
files = ["*.py"]
pattern = '^# generated at (\S+)$'
why = "Every file says when it was written."

[[normalisation.rule]]
id = "took"
kind = "duration"
where = ["agent_attempts.*.took_s"]
max_difference_s = 2.5
why = "How long a call takes is the model's doing."

[[normalisation.rule]]
id = "own-run-id"
kind = "run-id"
where = ["config.base_url"]
why = "It holds the address."

[[normalisation.rule]]
id = "lines-of-the-log"
kind = "keyed-list"
where = ["logs"]
keys = ["message"]
order = "ignored"
why = "They stand there as they came."

[execute]
allow = ["flask", "pytest>=8,<9", "SQLAlchemy[asyncio] ~= 2.0"]

[compare]
policy = "contract"
margin = 0.2
"""

RULE = '[[normalisation.rule]]\nid = "a"\nkind = "timestamp"\nwhy = "It is so."\n'


def read(folder: Path, text: str) -> ProjectFile:
    path = folder / "harness.toml"
    path.write_text(text)
    return read_project_file(path)


def test_all_that_it_may_say(tmp_path: Path) -> None:
    project = read(tmp_path, WHOLE)
    assert project.execute.allow == ("flask", "pytest>=8,<9", "SQLAlchemy[asyncio] ~= 2.0")
    assert (project.compare.policy, project.compare.margin) == ("contract", 0.2)
    assert [rule.kind for rule in project.normalisation.rule] == [
        "timestamp",
        "duration",
        "run-id",
        "keyed-list",
    ]


def test_the_page_about_it_shows_a_file_that_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "normalisation.md").read_text()
    (shown,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert {rule.kind for rule in read(tmp_path, shown).normalisation.rule} == PROJECT_RULES.keys()
    assert [name for name in BUILT_IN.ids if f"`{name}`" not in page] == []


def test_the_criteria_of_gates_are_the_defaults_but_for_what_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, '[gates.2]\nruns = 5\npolicy = "contract"\n').criteria
    assert (found[2].runs, found[2].policy, found[2].min_speedup) == (5, "contract", 1.0)
    assert found[1] == default_criteria(1)


def test_its_own_rules_come_before_those_that_hold_everywhere(tmp_path: Path) -> None:
    """One that is switched off is not among them; its name is free."""
    ids = read(tmp_path, WHOLE).rules.ids
    assert ids[:4] == ("generated-at", "took", "own-run-id", "lines-of-the-log")
    assert set(ids[4:]) == set(BUILT_IN.ids) - {"own-run-id"}


def test_without_a_file_every_setting_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_project_file() == ProjectFile()
    assert ProjectFile().rules == BUILT_IN
    assert (ProjectFile().compare.policy, ProjectFile().compare.margin) == ("auto", 0.1)
    assert ProjectFile().execute.allow == ()


def test_the_file_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("harness.toml").write_text("[compare]\nmargin = 0.3\n")
    assert read_project_file().compare.margin == 0.3


def test_a_file_that_was_named_and_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"other\.toml: cannot be read: No such file or directory"):
        read_project_file(tmp_path / "other.toml")


WRONG = {
    "no TOML": ("\na = \n", 2, "not valid TOML: Invalid value"),
    "an open list": ("a = [1,\n2", 2, "not valid TOML: Unclosed array"),
    "nested too deep": ("a = " + "[" * 5000, 1, "not valid TOML: nested too deep"),
    "an unknown table": ("[compar]\n", 1, "unknown key 'compar'; did you mean 'compare'?"),
    "an unknown key": (
        "[compare]\nmargin = 0.1\npolice = 'auto'\n",
        3,
        "unknown key 'compare.police'; did you mean 'policy'?",
    ),
    "an unknown key of a rule": (
        WHOLE + RULE + 'wher = ["logs"]\n',
        WHOLE.count("\n") + 5,
        "unknown key 'normalisation.rule[4].wher'; did you mean 'where'?",
    ),
    "a table that is none": ("compare = 3\n", 1, "compare: must be a mapping"),
    "another policy": (
        "[compare]\n\npolicy = 'exakt'\n",
        3,
        "compare.policy: must be 'auto', 'exact' or 'contract'",
    ),
    "no margin at all": ("[compare]\nmargin = 0.0\n", 2, "compare.margin: must be greater than 0"),
    "a margin of everything": ("compare.margin = 1\n", 1, "compare.margin: must be less than 1"),
    "a margin of nothing": ("[compare]\nmargin = nan\n", 2, "compare.margin: must be a finite number"),
    "no list": ("[execute]\nallow = 'flask'\n", 2, "execute.allow: must be a list"),
    "an option of pip": ("[execute]\nallow = ['flask', '-e .']\n", 2, "execute.allow[1]: must be a package"),
    "an address": (
        "[execute]\nallow = [\n'x @ http://example.org/x.zip']\n",
        2,
        "execute.allow[0]: must be a package",
    ),
    "a rule that is not there to be switched off": (
        "[normalisation]\noff = ['timestamp']\n",
        2,
        "normalisation.off[0]: there is no rule 'timestamp'; did you mean 'timestamps'?",
    ),
    "an id twice": (
        RULE + 'where = ["a.b"]\n' + RULE + 'where = ["a.c"]\n',
        7,
        "normalisation.rule[1].id: there is a rule 'a' already; give this one another id",
    ),
    "the id of a rule that holds": (
        RULE.replace('"a"', '"timestamps"') + 'where = ["a.b"]\n',
        2,
        "normalisation.rule[0].id: there is a rule 'timestamps' already",
    ),
    "no kind": (
        '\n[[normalisation.rule]]\nid = "a"\nwhy = "so"\n',
        2,
        "the key 'normalisation.rule[0].kind' is missing",
    ),
    "a kind that only holds everywhere": (
        RULE.replace('"timestamp"', '"place"'),
        3,
        "normalisation.rule[0].kind: must be one of 'timestamp', 'duration', 'run-id', 'keyed-list'",
    ),
    "a rule for nothing": (RULE, 1, "normalisation.rule[0]: a rule needs where"),
    "a duration without bound": (
        RULE.replace('"timestamp"', '"duration"') + 'where = ["a"]\n',
        1,
        "the key 'normalisation.rule[0].max_difference_s' is missing",
    ),
    "a duration of a day": (
        RULE.replace('"timestamp"', '"duration"') + 'where = ["a"]\nmax_difference_s = 86400\n',
        6,
        "normalisation.rule[0].max_difference_s: must be less than or equal to 3600",
    ),
    "a slack of a day": (
        RULE + 'where = ["a"]\nslack_after_s = 86400\n',
        6,
        "normalisation.rule[0].slack_after_s: must be less than or equal to 600",
    ),
    "no reason": (RULE.replace("It is so.", ""), 4, "normalisation.rule[0].why: must not be empty"),
}

GREEDY = {
    "everything": ('where = ["**"]', "where[0]: hides too much"),
    "every section": ('where = ["*.created_at"]', "where[0]: hides too much: it must begin with the name"),
    "half a key": ('where = ["logs.t*"]', "where[0]: hides too much"),
    "an empty key": ('where = ["logs..timestamp"]', "where[0]: must be keys with dots between them"),
    "every file": ('files = ["**"]\npattern = "x"', "files[0]: hides too much: name a file"),
    "a file without a pattern": ('files = ["*.py"]', ": a rule for files needs a pattern"),
    "the empty text": (
        'files = ["*.py"]\npattern = ".*"',
        "pattern: hides too much: it matches the empty text",
    ),
    "any line": ('files = ["*.py"]\npattern = "^"', "pattern: hides too much"),
    "two groups": ('files = ["*.py"]\npattern = "(a)(b)"', "pattern: must have one group at most"),
    "no pattern": ('files = ["*.py"]\npattern = "("', "pattern: is no regular expression"),
    "a time without a day": ('where = ["a"]\nformat = "%H:%M"', "format: must tell day, month and year"),
    "a zone's name": ('where = ["a"]\nformat = "%Y-%m-%d %Z"', "format: must not have %Z"),
    "no format": ('where = ["a"]\nformat = "%Q"', "format: is no format of strptime"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_with_file_line_and_key(what: str, tmp_path: Path) -> None:
    text, line, words = WRONG[what]
    with pytest.raises(BadInputError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'harness.toml'}:{line}: {words}")


@pytest.mark.parametrize("what", GREEDY)
def test_a_rule_that_would_hide_too_much_is_refused(what: str, tmp_path: Path) -> None:
    keys, words = GREEDY[what]
    with pytest.raises(BadInputError) as error:
        read(tmp_path, RULE + keys)
    assert f"normalisation.rule[0]{'' if words.startswith(':') else '.'}{words}" in str(error.value)


def test_a_key_in_an_inline_or_quoted_table_is_found_too(tmp_path: Path) -> None:
    """The nearest key on the way there, where the line holds several."""
    with pytest.raises(BadInputError, match=r":3: compare\.margin: must be a number"):
        read(tmp_path, '\n# here\n"compare" = { margin = "x" }\n')
    with pytest.raises(BadInputError, match=r":2: compare\.margin: must be a number"):
        read(tmp_path, '[ "compare" ]\n  \'margin\' = "x"\n')
