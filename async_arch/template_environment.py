"""The environment that templates are rendered in: sandboxed, strict, and with what makes text harmless.

What a model wrote is only ever a value in it. A name is checked to be one, a text is written as the place
asks where it lands: `py` in Python, `doc` in a docstring, `toml` in TOML; HTML is escaped by itself.
"""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from async_arch.template_folder import TEMPLATES

__all__ = ["TemplateProblem", "open_environment"]

_LONGEST_LINE = 88


class TemplateProblem(Exception):
    """A template that cannot be used; names the file and, where it is known, the line."""


def open_environment(overrides: Path | None = None) -> jinja2.Environment:
    """An environment with our templates; a file in `overrides` takes the place of ours of that name."""
    folders = [*([overrides] if overrides is not None else []), TEMPLATES]
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(py=_py, doc=_doc, ident=_ident, toml=_toml)
    return environment


def _py(value: object) -> str:
    """`value` as a Python literal: a text in the quotes that it has fewer of, with nothing that ends it."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        if value.count('"') > value.count("'"):
            inside = text[1:-1].replace('\\"', '"').replace("'", "\\'")
            text = f"'{inside}'"
        return re.sub(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text)
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    raise TemplateProblem(f"{type(value).__name__} cannot be written as a Python literal")


def _doc(value: str, margin: int = 0) -> str:
    """`value` on one line that no docstring ends at, and that fits beside `margin` columns."""
    words = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    said = words.replace("\\", "/").replace('"', "'")
    room = _LONGEST_LINE - margin - len('""""""')
    if len(said) > room:
        cut = said[: room - 4]
        said = (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + " ..."
    return said


def _ident(value: str) -> str:
    """`value`, which must be a name; anything else is a fault of whoever lets it come here."""
    if not (isinstance(value, str) and value.isascii() and value.isidentifier()) or keyword.iskeyword(value):
        raise TemplateProblem(f"{value!r} is not a name")
    return value


def _toml(value: str) -> str:
    """`value` as a TOML basic string."""
    return json.dumps("".join(c if c.isprintable() else " " for c in value), ensure_ascii=False)
