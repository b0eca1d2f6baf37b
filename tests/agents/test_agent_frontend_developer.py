"""The frontend developer: what it sees, and what comes of the pages that models really answer."""

from __future__ import annotations

import pytest

from agents.agent_frontend_developer import build_page
from agents.blackboard import FileKind, FileWritten
from agents.prompts import module_of, sections
from tests.agents.scripted import Reading, reading
from tests.agents.shop import INPUTS, PAGE, SHOP, fence

LINKED = PAGE.replace("</head>", "<link href=\"{{ url_for('static', filename='shop.css') }}\"></head>")
SCRIPTED = LINKED.replace(
    "</body>", "<script src=\"{{ url_for('static', filename='shop.js') }}\"></script></body>"
)
CSS = "body { margin: 0; }\n"
JS = "const x = 1;\n"


def read(answer: str) -> Reading[tuple[FileWritten, ...]]:
    return reading(build_page(SHOP, INPUTS, []), answer)


def files(**contents: str) -> Reading[tuple[FileWritten, ...]]:
    places = {"html": "templates/shop.html", "css": "static/shop.css", "js": "static/shop.js"}
    return Reading(
        tuple(FileWritten(places[kind], text, FileKind.FRONTEND) for kind, text in contents.items())
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(fence(LINKED, "html") + "\n" + fence(CSS, "css"), id="as asked for"),
        pytest.param(fence(CSS, "css") + "\n" + fence(LINKED, "html"), id="style first"),
        pytest.param(f"Page:\n{fence(LINKED, 'jinja2')}\nStyle:\n{fence(CSS, 'CSS')}\nDone.", id="chatter"),
        pytest.param(fence(LINKED, "") + "\n" + fence(CSS, "css"), id="page without a language"),
        pytest.param(fence("\n" + LINKED, "html") + fence("\n\n" + CSS, "css"), id="blank lines"),
        pytest.param((fence(LINKED, "html") + fence(CSS, "css")).replace("\n", "\r\n"), id="CRLF"),
        pytest.param(fence(LINKED, "html") + fence(CSS, "css") + fence("\n", "js"), id="empty script"),
    ],
)
def test_a_page_with_its_style_is_read_from_what_models_answer(answer: str) -> None:
    assert read(answer) == files(html=LINKED, css=CSS)


def test_a_page_may_have_a_script_or_nothing_of_its_own() -> None:
    answer = fence(SCRIPTED, "html") + fence(CSS, "css") + fence(JS, "javascript")
    assert read(answer) == files(html=SCRIPTED, css=CSS, js=JS)
    assert read(fence(PAGE, "html")) == files(html=PAGE)


@pytest.mark.parametrize(
    "page",
    [
        PAGE.upper(),
        "<html\n lang='en'><head></head><body class='x'></body></html>\n",
        "<!-- shop --><html><head></head><body></body></html>\n",
    ],
)
def test_a_whole_page_is_told_by_its_elements(page: str) -> None:
    assert read(fence(page, "html")) == files(html=page)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("A page with a title would be nice.", "no fenced html block", id="prose"),
        pytest.param(PAGE, "no fenced html block", id="no fence"),
        pytest.param(fence("", "html"), "no fenced html block", id="empty block"),
        pytest.param(fence("<h1>Books</h1>\n", "html"), "lacks body, head, html", id="only a part"),
        pytest.param(
            fence("<html><header></header><body></body></html>\n", "html"), "lacks head", id="header"
        ),
        pytest.param(fence(PAGE, "html")[:70], "lacks body", id="cut off"),
        pytest.param(fence(LINKED, "html"), "links static/shop.css, and there is no", id="style missing"),
        pytest.param(fence(LINKED, "html") + fence(" \n", "css"), "links static/shop.css", id="style empty"),
        pytest.param(
            fence(SCRIPTED, "html") + fence(CSS, "css"), "links static/shop.js", id="script missing"
        ),
        pytest.param(
            fence(PAGE.replace("Books", "\0"), "html").replace("{{ title }}", "\0"), "NUL", id="NUL"
        ),
    ],
)
def test_a_page_that_is_not_whole_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in read(answer).reason


@pytest.mark.timeout(15)
@pytest.mark.parametrize("unit", ["<a ", "<a x='", "<!--", "<", "</", "<![CDATA[", "<html "])
def test_no_page_takes_long_to_read(unit: str) -> None:
    """A real parser of HTML takes minutes for some of these."""
    assert read(fence(unit * (120_000 // len(unit)) + "\n", "html")).result is None


def test_the_frontend_developer_sees_the_api_and_where_its_files_go() -> None:
    request = next(build_page(SHOP, INPUTS, []))
    parts = sections(request.messages[1].content)
    assert list(parts) == ["Project", "Module", "API of this module", "Task"]
    assert "{{ url_for('static', filename='shop.css') }}" in parts["Task"]
    assert module_of(request.messages[1].content) == "Shop"
