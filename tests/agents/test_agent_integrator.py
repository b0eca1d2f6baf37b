"""The integrator: what it sees, and what comes of the answers that models really give."""

from __future__ import annotations

import pytest
import yaml

from agents.agent_integrator import integrate
from agents.blackboard import FileWritten
from agents.plan import Plan
from agents.project import Inputs
from agents.prompts import module_of, sections
from tests.agents.scripted import Reading, reading
from tests.agents.shop import APIS, CATALOG, CATALOG_SOURCE, MAIN_SOURCE, MODULE_FILES, ORDER, PLAN, fence

INPUTS = Inputs(ORDER, PLAN, APIS, MODULE_FILES)
COMMAND_LINE = Inputs(ORDER, Plan("Books", "", (CATALOG,)), APIS, {"catalog.py": CATALOG_SOURCE})
MAIN = fence(MAIN_SOURCE)
TOOL = fence("import catalog\n\n\ndef main(argv=None) -> int:\n    return len(catalog.BOOKS)\n")


def read(answer: str, inputs: Inputs = INPUTS) -> Reading[tuple[FileWritten, ...]]:
    return reading(integrate(inputs, []), answer)


def requirements(answer: str, inputs: Inputs = INPUTS) -> str:
    result = read(answer, inputs).result
    assert result is not None
    main, needed = result
    assert (main.path, needed.path) == ("main.py", "requirements.txt")
    return needed.content


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(f"{MAIN}\n```text\nFlask>=3\n```", id="as asked for"),
        pytest.param(f"main.py:\n{MAIN}\nrequirements.txt:\n```\nFlask>=3\n```\nRun it!", id="no language"),
        pytest.param(f"{fence(MAIN_SOURCE, '')}\n```txt\nFlask>=3\n```", id="code without a language"),
        pytest.param(f"{fence(MAIN_SOURCE, '')}\n```\nFlask>=3\n```", id="both without a language"),
        pytest.param(f"```requirements.txt\nFlask>=3\n```\n{MAIN}", id="requirements first, named"),
        pytest.param(f"{MAIN}\n```plaintext\n# web\nFlask>=3  # the framework\n\n```", id="comments"),
        pytest.param(f"{MAIN}\n```text\nFlask>=3\nFlask>=3\n```", id="a line twice"),
        pytest.param(f"{MAIN}\n```bash\npython main.py\n```\n```text\nFlask>=3\n```", id="another block"),
    ],
)
def test_entry_point_and_requirements_are_read_from_what_models_answer(answer: str) -> None:
    assert read(answer) == Reading(
        (FileWritten("main.py", MAIN_SOURCE), FileWritten("requirements.txt", "Flask>=3\n"))
    )


def test_a_fence_in_a_docstring_of_main_does_not_hide_the_requirements() -> None:
    code = MAIN_SOURCE.replace('"""The application."""', '"""Run it:\n\n```bash\npython main.py\n```\n"""')
    assert requirements(f"{fence(code)}\n```text\nFlask\n```") == "Flask\n"


def test_requirements_have_an_order_of_their_own() -> None:
    """The set of lines has none: it changes from process to process, and the engines would differ."""
    assert (
        requirements(f"{MAIN}```text\nflask\nGunicorn\nBlinker==1.9\n```")
        == "Blinker==1.9\nflask\nGunicorn\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Flask",
            "flask==3.0.*",
            "Flask >= 3 , < 4",
            "Flask[async]>=3,!=3.0.1",
            "Flask~=3.0",
            "flask===3.0",
        ),
        *("Flask\nzope.interface", "Flask\nruamel_yaml>1", "Flask<4"),
    ],
)
def test_a_requirement_is_a_package_with_versions(line: str) -> None:
    assert requirements(f"{MAIN}```text\n{line}\n```") == f"{line}\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("pip install flask", "'pip install flask' is not a line", id="command"),
        pytest.param("-e git+https://example.org/x", "is not a line", id="editable"),
        pytest.param("--index-url https://example.org", "is not a line", id="index"),
        pytest.param("x @ file:///etc", "is not a line", id="file"),
        pytest.param("../x", "is not a line", id="path"),
        pytest.param("Flask=3.0", "is not a line", id="one equals sign"),
        pytest.param("Flask>=", "is not a line", id="no version"),
        pytest.param("- Flask", "is not a line", id="list"),
        pytest.param("sqlite3", "sqlite3 is no package to install", id="standard library"),
        pytest.param("catalog", "catalog is no package to install", id="module of the project"),
        pytest.param("flask>=2", "names flask twice", id="twice"),
    ],
)
def test_what_is_no_requirement_goes_back_with_the_reason(line: str, reason: str) -> None:
    assert reason in read(f"{MAIN}```text\nFlask\n{line}\n```").reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("Just run `flask run`.", "no Python code", id="prose"),
        pytest.param(MAIN, "must name Flask", id="no requirements"),
        pytest.param(f"{MAIN}```text\nFlask-Login\n```", "must name Flask", id="something like Flask"),
        pytest.param(MAIN.replace("app = ", "application = "), "main.py must define app", id="no app"),
        pytest.param(
            MAIN.replace("app = create_app()", 'app.config["X"] = 1'),
            "main.py must define app",
            id="app only used",
        ),
        pytest.param(MAIN.replace("create_app", "build"), "main.py must define create_app", id="no factory"),
        pytest.param(
            MAIN.replace("import cart\n", ""), "must register the blueprint of cart", id="module forgotten"
        ),
        pytest.param(
            MAIN.replace("from shop import blueprint", "from shop import bp"), "defines no bp", id="name"
        ),
        pytest.param(
            MAIN.replace("import cart\n", "from .cart import blueprint\n"), "relative", id="relative"
        ),
        pytest.param(MAIN.replace("def create_app()", "def create_app("), "line ", id="syntax"),
    ],
)
def test_an_entry_point_that_cannot_start_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in read(answer).reason


def test_a_command_line_tool_has_a_main_and_may_need_no_packages() -> None:
    nothing = "# only the standard library is needed\n"
    for block in ("```text\n```", "", "```text\n# nothing\n```", "```\n\n```"):
        assert requirements(f"{TOOL}{block}", COMMAND_LINE) == nothing
    assert "main.py must define main" in read(TOOL.replace("main(", "run("), COMMAND_LINE).reason


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "line",
    ["a" + "!" * 100_000 + "@", "a>1" + " " * 100_000 + "@", "a" + ">1," * 30_000, "a[" + "b" * 100_000],
)
def test_no_requirement_takes_long_to_read(line: str) -> None:
    """With nested quantifiers forty exclamation marks take an hour."""
    assert "is not a line" in read(f"{MAIN}```text\n{line}\n```").reason


def test_the_integrator_sees_all_apis_with_their_import_names_and_all_files() -> None:
    request = next(integrate(INPUTS, []))
    parts = sections(request.messages[1].content)
    seen = yaml.safe_load(parts["Modules"])
    assert [(name, data["import"], data["requires"]) for name, data in seen.items()] == [
        ("Catalog", "catalog", []),
        ("Cart", "cart", ["Catalog"]),
        ("Shop", "shop", ["Catalog", "Cart"]),
    ]
    assert parts["Files"].splitlines() == ["cart.py", "catalog.py", "shop.py"]
    assert module_of(request.messages[1].content) is None


def test_the_request_is_the_same_whatever_order_files_and_apis_came_in() -> None:
    """The concurrent engine finishes them in any order; a prompt that follows it fits no recorded answer."""
    other = Inputs(
        ORDER, PLAN, dict(reversed(list(APIS.items()))), dict(reversed(list(MODULE_FILES.items())))
    )
    assert next(integrate(other, [])) == next(integrate(INPUTS, []))
