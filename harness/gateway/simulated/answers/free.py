"""The answers to strangers, who are none of the team, and to requests that ask for a `format`."""

from __future__ import annotations

import json
import re

import yaml

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated.mark import Mark
from harness.gateway.simulated.schema.filling import filled
from harness.gateway.simulated.schema.merging import Schema
from harness.gateway.simulated.stranger.documents import document
from harness.gateway.simulated.stranger.program import program
from harness.gateway.simulated.stranger.shape import wanted_schema
from harness.gateway.simulated.stranger.wish import Kind, Wish, wish_of
from harness.gateway.simulated.subject import Subject, named_file, subject_of

__all__ = ["formatted", "free"]

_NOTHING_ASKED = (
    "This is a simulated model: I speak for the roles of AgentFactory, and for others I write JSON, YAML, "
    "programs, pages and verdicts where they ask for them."
)
_REFUSES_EVERY = 8
"""One verdict in so many is the bad one, if that is named."""
_FILE = re.compile(r"^[^\w\n]*(?P<line>(?:\w+ )?FILE: *(?P<path>[\w/.-]+|<\w+>))", re.MULTILINE)
_ENDINGS = {Kind.HTML: ".html", Kind.CSS: ".css", Kind.JAVASCRIPT: ".js"}


def formatted(request: CanonicalRequest) -> str:
    """The answer to a request that says by `format` which JSON it wants."""
    systems, told = _said(request)
    subject = subject_of(systems, told, Mark.of(request.hash))
    schema = request.format
    if not isinstance(schema, dict) or schema.keys() <= {"type", "title", "$schema", "description"}:
        asks_for_object = not isinstance(schema, dict) or schema.get("type", "object") == "object"
        schema = _object_like(subject) if asks_for_object else schema
    return json.dumps(filled(schema, subject), ensure_ascii=False)


def free(request: CanonicalRequest) -> str:
    """The answer to a request of somebody who is none of the team."""
    systems, told = _said(request)
    mark = Mark.of(request.hash)
    wish = wish_of(systems, told)
    if not wish.kinds:
        return f"{_NOTHING_ASKED} Revision {mark.revision}."
    subject = subject_of(systems, told, mark)
    match wish.kinds[0]:
        case Kind.VERDICT:
            return _verdict(wish, subject)
        case Kind.JSON:
            data = filled(wanted_schema(wish.text, subject), subject)
            return _block("json", json.dumps(data, ensure_ascii=False, indent=2), wish)
        case Kind.YAML:
            return _block("yaml", _yaml(wish, subject), wish)
    files = [_file(kind, wish, subject) for kind in wish.kinds]
    return "\n\n".join(files)


def _said(request: CanonicalRequest) -> tuple[list[str], list[str]]:
    systems = [message.content for message in request.messages if message.role == "system"]
    return systems, [message.content for message in request.messages if message.role in ("user", "tool")]


def _object_like(subject: Subject) -> Schema:
    """The schema of the object that the conversation shows, lists the keys of, or could mean."""
    schema = wanted_schema(subject.said, subject)
    return schema if schema["type"] == "object" else {"type": "object", "properties": {"items": schema}}


def _verdict(wish: Wish, subject: Subject) -> str:
    """The good verdict, or now and then the bad one where one is named."""
    revision = subject.mark.revision
    if wish.refusal and subject.mark.chance % _REFUSES_EVERY == 0:
        return (
            f"{wish.refusal}\n- It does not say what happens when something is missing (revision {revision})."
        )
    return f"{wish.verdict}\n\nNothing stands against it (revision {revision})."


def _yaml(wish: Wish, subject: Subject) -> str:
    data = filled(wanted_schema(wish.text, subject, in_yaml=True), subject)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)
    # At the end: some expect a certain key on the first line.
    return f"{text}# revision {subject.mark.revision}"


def _file(kind: Kind, wish: Wish, subject: Subject) -> str:
    """A file in a fence, or behind the line with its path that the prompt shows before such files."""
    if kind is Kind.PYTHON:
        block = _block(kind, program(subject, wish.text), wish)
        return f"FILE: {named_file(subject.told) or 'main.py'}\n{block}" if _FILE.search(wish.text) else block
    body = document(kind, subject)
    marks = [mark for mark in _FILE.finditer(wish.text) if mark["path"].endswith(_ENDINGS.get(kind, "."))]
    return f"{marks[0]['line']}\n{body}" if marks else _block(kind, body, wish)


def _block(language: str, body: str, wish: Wish) -> str:
    if not wish.fenced:
        return body.rstrip("\n")
    fence = "````" if "```" in body else "```"
    return f"{fence}{language}\n{body.rstrip()}\n{fence}"
