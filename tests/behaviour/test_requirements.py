"""A project gets what it names and a person allows: neither alone is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.behaviour.project import project_of
from harness.behaviour.requirements import Granted, granted
from harness.errors import BadInputError
from tests.compare.records import make_record

IMPORTS = "import os, json\nimport flask\nimport cart\nfrom yaml import load\n"


@pytest.mark.parametrize(
    ("files", "allow", "expected"),
    [
        (
            {"requirements.txt": "# web\nFlask_Login>=0.6 ; x\nrequests\n-r other.txt\n./local\n"},
            ("flask-login==0.6.*", "flask", "pytest"),
            Granted(("flask-login==0.6.*",), ("requests",)),
        ),
        ({"main.py": IMPORTS, "cart.py": ""}, ("flask",), Granted(("flask",), ("yaml",))),
        ({"main.py": IMPORTS, "requirements.txt": ""}, ("flask",), Granted((), ())),
        ({"test_a.py": ""}, ("pytest>=8",), Granted(("pytest>=8",), ())),
        ({"test_a.py": ""}, (), Granted((), ())),
    ],
    ids=["named", "imported", "none named", "tests", "tests without"],
)
def test_what_is_given_and_what_is_refused(
    files: dict[str, str], allow: tuple[str, ...], expected: Granted, tmp_path: Path
) -> None:
    assert granted(project_of(make_record(tmp_path / "run", files=files)), allow) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-r file",
        "--index-url=x",
        "./flask",
        "git+https://example.org/x",
        "x @ file:///y",
        "flask; x",
        "a b",
    ],
)
def test_nothing_but_names_and_versions_can_be_allowed(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is not the name of a package"):
        granted(project_of(make_record(tmp_path / "run")), ["flask[async]>=3,<4", text])
