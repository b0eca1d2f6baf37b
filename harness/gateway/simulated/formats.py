"""Text formats that generated code can write and read with the standard library alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.gateway.simulated.words import words

__all__ = ["FORMATS", "Format", "mentioned_formats"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a list of rows is written as text and read from it, as source code; '' where it cannot be read."""

    name: str
    writer: str
    reader: str = ""


def _separated(name: str, separator: str) -> Format:
    return Format(
        name,
        writer=f'''\
def _as_{name}(rows: list[dict[str, Any]]) -> str:
    """The rows as {name.upper()} with a line of headings."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter={separator}, lineterminator="\\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
''',
        reader=f'''\
def _from_{name}(text: str) -> list[dict[str, Any]]:
    """The rows of a text in {name.upper()} whose first line holds the headings."""
    rows = list(csv.DictReader(io.StringIO(text), delimiter={separator}))
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("every line must have as many values as there are headings")
    return rows
''',
    )


_JSON = Format(
    "json",
    writer='''\
def _as_json(rows: list[dict[str, Any]]) -> str:
    """The rows as a JSON list."""
    return json.dumps(rows, ensure_ascii=False, indent=2)
''',
    reader='''\
def _from_json(text: str) -> list[dict[str, Any]]:
    """The rows of a text that holds a JSON list of objects."""
    rows = json.loads(text)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("the text must be a JSON list of objects")
    return rows
''',
)

_MARKDOWN = Format(
    "markdown",
    writer='''\
def _as_markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown: a heading each, with a list of what they hold."""
    lines = []
    for row in rows:
        heading = row.get("title") or row.get("name") or f"Entry {row.get('id', '')}"
        lines += [f"## {heading}", ""]
        lines += [f"- {key}: {value}" for key, value in row.items()]
        lines.append("")
    return "\\n".join(lines)
''',
)

FORMATS: Mapping[str, Format] = {
    f.name: f for f in (_separated("csv", '","'), _separated("tsv", '"\\t"'), _JSON, _MARKDOWN)
}


def mentioned_formats(text: str) -> list[str]:
    """The formats that `text` names and that can be both read and written, in its order."""
    return [word for word in dict.fromkeys(words(text)) if word in FORMATS and FORMATS[word].reader]
