"""The debugger: what it sees, and what comes of its repairs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from agents.agent_debugger import debug
from agents.blackboard import FileKind, FileWritten
from agents.drivers import drive
from agents.project import Inputs
from agents.prompts import sections
from tests.agents.scripted import Reading, ScriptedModel, reading
from tests.agents.shop import (
    APIS,
    CART_SOURCE,
    CATALOG_SOURCE,
    FILES,
    INPUTS,
    MAIN_SOURCE,
    ORDER,
    PAGE,
    PLAN,
    fence,
)

BROKEN = {"cart.py": "import catalog\nx = (\n"}
"""A project whose cart does not compile, as changes to the whole one."""


def with_files(changes: Mapping[str, str]) -> Inputs:
    return Inputs(ORDER, PLAN, APIS, {**FILES, **changes})


def read(answer: str, changes: Mapping[str, str] | None = None) -> Reading[tuple[FileWritten, ...]]:
    return reading(debug(with_files(changes or {}), []), answer)


def named(path: str, content: str) -> str:
    return fence(f"# file: {path}\n{content}")


CART_MENDED = Reading((FileWritten("cart.py", CART_SOURCE),))


@pytest.mark.parametrize(
    "answer",
    [
        "status: ok",
        "```yaml\nstatus: ok\n```",
        "All is well!\n\n```yaml\nstatus: OK\n```",
        '{"status": "ok"}',
    ],
)
def test_a_project_without_findings_may_stay_as_it_is(answer: str) -> None:
    assert read(answer) == Reading(())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(named("cart.py", CART_SOURCE), id="as asked for"),
        pytest.param(f"I closed the parenthesis:\n\n{named('cart.py', CART_SOURCE)}\nDone.", id="chatter"),
        pytest.param(fence(f"# file: cart.py\n{CART_SOURCE}", ""), id="no language"),
        pytest.param(fence(f"# File: cart.py\n\n{CART_SOURCE}\n"), id="capital, blank lines"),
        pytest.param(fence(f"# filename: cart.py\n{CART_SOURCE}"), id="filename"),
        pytest.param(fence(f"\n#file:cart.py\n{CART_SOURCE}"), id="no spaces"),
        pytest.param(fence(f"# **file: cart.py**\n{CART_SOURCE}"), id="bold"),
        pytest.param(named("cart.py", CART_SOURCE) + "\n```bash\npython main.py\n```", id="a command behind"),
        pytest.param(named("cart.py", CART_SOURCE).replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"status: fixed\n\n{named('cart.py', CART_SOURCE)}", id="with a status"),
    ],
)
def test_a_file_is_mended_from_what_models_answer(answer: str) -> None:
    assert read(answer, BROKEN) == CART_MENDED


def test_a_fence_in_a_docstring_does_not_cut_the_file_off() -> None:
    code = CART_SOURCE.replace('"""The cart."""', '"""The cart.\n\n```bash\npython main.py\n```\n"""')
    assert read(named("cart.py", code), BROKEN) == Reading((FileWritten("cart.py", code),))


def test_several_files_are_mended_at_once_each_with_its_kind() -> None:
    answer = (
        named("main.py", MAIN_SOURCE)
        + "```html\n<!-- file: templates/shop.html -->\n"
        + PAGE
        + "```\n```\n# file: requirements.txt\nFlask\n```"
    )
    assert read(answer, {"main.py": "", "templates/shop.html": ""}) == Reading(
        (
            FileWritten("main.py", MAIN_SOURCE),
            FileWritten("templates/shop.html", PAGE, FileKind.FRONTEND),
            FileWritten("requirements.txt", "Flask\n"),
        )
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("status: ok", "still finds: cart.py: the code is not valid", id="looked away"),
        pytest.param("status: broken", "'broken' and no file is given", id="only a diagnosis"),
        pytest.param("The parenthesis is missing.", "neither `status: ok` nor", id="prose"),
        pytest.param(fence(CART_SOURCE), "first line names its file", id="file not named"),
        pytest.param(named("cart.py", ""), "cart.py is empty", id="empty file"),
        pytest.param(named("cart.py", "x = (\n"), "still finds: cart.py", id="as broken as before"),
        pytest.param(named("carts.py", CART_SOURCE), "carts.py is not a file of the project", id="new file"),
        pytest.param(
            named("../cart.py", "x"), "../cart.py is not a file of the project", id="path that leaves"
        ),
        pytest.param(named("/etc/passwd", "x"), "/etc/passwd is not a file", id="absolute path"),
        pytest.param(named("main.py", MAIN_SOURCE), "still finds: cart.py", id="another file"),
        pytest.param(
            named("cart.py", CART_SOURCE) + named("main.py", "x = ("),
            "still finds: main.py",
            id="broken elsewhere",
        ),
    ],
)
def test_a_repair_that_does_not_mend_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in read(answer, BROKEN).reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            named("cart.py", "# the rest stays as it was\nblueprint = 1\n"), "add_item", id="module elided"
        ),
        pytest.param(
            named("cart.py", CART_SOURCE.replace("count: int = 1", "n=1")), "must take", id="API changed"
        ),
        pytest.param(
            named("main.py", "x = 1\n"), "main.py must define create_app; ", id="entry point elided"
        ),
        pytest.param(
            fence("# file: requirements.txt\nflask --pre\n", ""), "is not a line of", id="requirements"
        ),
        pytest.param(
            fence("# file: requirements.txt\nDjango\n", ""), "must name Flask", id="requirement lost"
        ),
        pytest.param(named("catalog.py", "x = 1\n"), "catalog.py defines no find_book", id="import broken"),
    ],
)
def test_a_repair_must_keep_what_its_file_has_promised(answer: str, reason: str) -> None:
    """What nothing imports, an inspection does not miss: a module could be mended away."""
    assert reason in read(answer).reason


def test_one_of_two_modules_that_serve_a_route_may_lose_it() -> None:
    doubled = {
        "shop.py": FILES["shop.py"] + '\n@blueprint.post("/cart/<int:i>")\ndef add(i):\n    return ""\n'
    }
    without = CART_SOURCE.replace('@blueprint.post("/cart/<int:book_id>")\n', "")
    assert "both serve POST /cart/<int:i>" in read("status: ok", doubled).reason
    assert read(named("cart.py", without), doubled) == Reading((FileWritten("cart.py", without),))


def test_the_debugger_goes_on_until_the_inspection_finds_nothing() -> None:
    broken = with_files({"cart.py": "x = (", "catalog.py": "def f(:"})
    model = ScriptedModel(
        [
            "status: ok",
            named("cart.py", CART_SOURCE),
            named("cart.py", CART_SOURCE) + named("catalog.py", CATALOG_SOURCE),
        ]
    )
    changed = drive(debug(broken, []), model)
    assert [file.path for file in changed] == ["cart.py", "catalog.py"]
    feedback = [request.messages[-1].content for request in model.requests[1:]]
    assert all("still finds: " in told for told in feedback)
    assert "cart.py" not in feedback[1].partition("\n\n")[0]


def test_the_debugger_sees_the_findings_and_the_source_of_what_they_name() -> None:
    parts = sections(next(debug(with_files(BROKEN), [])).messages[1].content)
    assert list(parts) == ["Project", "Files", "Findings", "Source of cart.py", "Source of main.py", "Task"]
    assert parts["Findings"].startswith("- cart.py: the code is not valid Python: line 2")
    assert parts["Files"].splitlines() == sorted(FILES)
    assert parts["Source of cart.py"] == f"````\n{BROKEN['cart.py']}````"


def test_without_findings_the_debugger_sees_the_entry_point() -> None:
    parts = sections(next(debug(INPUTS, [])).messages[1].content)
    assert parts["Findings"] == "none"
    assert [title for title in parts if title.startswith("Source")] == ["Source of main.py"]


def test_a_file_whose_name_is_part_of_another_is_not_taken_for_it() -> None:
    files = {"shopcart.py": "x = 1\n", "cart.py": "x = ("}
    parts = sections(next(debug(with_files(files), [])).messages[1].content)
    assert "Source of cart.py" in parts
    assert "Source of shopcart.py" not in parts


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "line", ["file: a" + "-" * 100_000 + " x", "-" * 100_000, "# file: " + "./" * 50_000 + "?x"]
)
def test_no_file_line_takes_long_to_read(line: str) -> None:
    assert read(fence(f"{line}\nx = 1\n"), BROKEN).result is None
