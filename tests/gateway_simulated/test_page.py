"""Pages: whole, safe, and made of nothing that is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import jinja2
import pytest

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.page import page_files


@pytest.mark.parametrize("name", ["Pages", "Portal", "Desk", "Website"])
def test_a_page_shows_groups_and_escapes_what_they_hold(
    name: str, assignment_of: Callable[..., Assignment]
) -> None:
    """As a table or as cards; text of people is text, in the template as in the data."""
    evil = "<script>alert(1)</script> {{ 7 * 191 }} {% for %}"
    module = {"name": name, "module_type": "web_interface", "description": evil, "requires": []}
    template, style, script = page_files(assignment_of(name, [module]), "0123abcd")
    environment = jinja2.Environment(autoescape=True)
    groups = [{"heading": evil, "rows": [{"id": 1, "name": evil}]}, {"heading": "None", "rows": []}]

    page = environment.from_string(template).render(
        title=evil, groups=groups, url_for=lambda endpoint, filename: f"/{endpoint}/{filename}"
    )

    assert "<script>alert" not in page
    assert "1337" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    assert "Nothing here yet." in page
    assert f'href="/static/{name.lower()}.css"' in page
    assert not re.search(r"https?:|@import", page + style + script)
    assert "|safe" not in template.replace(" ", "")
    assert all("0123abcd" in text for text in (template, style, script))
    assert style.count("{") == style.count("}")
