"""Mending: the changes to files that make the findings of an inspection go away."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

__all__ = ["mended"]

_MISSING_NAME = re.compile(r"(?P<path>\S+), line \d+: (?P<module>\w+)\.py defines no (?P<name>\w+)")
_EMPTY = re.compile(r"(?P<path>\S+) is empty")
_NOT_PYTHON = re.compile(r"(?P<path>\S+): the code is not valid Python\b.*")
_NO_TEMPLATE = re.compile(r"(?P<path>\S+) renders (?P<template>\S+), and there is no templates/\S+")
_RELATIVE = re.compile(r"(?P<path>\S+), line \d+: a relative import fails here\b.*")
_DOUBLED = re.compile(r"(?P<path>\S+) and \S+ both serve \w+ (?P<route>/\S*)")


def mended(findings: tuple[str, ...], files: Mapping[str, str]) -> dict[str, str]:
    """The files of `files` that have to change, with their new contents."""
    changed: dict[str, str] = {}
    # What is empty or broken is made whole first: what others miss in it is then added to it.
    for finding in sorted(findings, key=lambda finding: _MISSING_NAME.fullmatch(finding) is not None):
        for pattern, mend in _MENDS:
            match = pattern.fullmatch(finding)
            if match is None:
                continue
            path = f"{match['module']}.py" if pattern is _MISSING_NAME else match["path"]
            source = changed.get(path, files.get(path))
            if source is not None:
                changed[path] = mend(match, source)
    return {path: source for path, source in changed.items() if source != files.get(path)}


def _filled(match: re.Match[str], _source: str) -> str:
    path = PurePosixPath(match["path"])
    match path.suffix:
        case ".py":
            return f'"""The module {path.stem}."""\n\nfrom __future__ import annotations\n'
        case ".html":
            head = f"<head><title>{path.stem}</title></head>"
            return f'<!doctype html>\n<html lang="en">\n{head}\n<body></body>\n</html>\n'
        case ".css" | ".js":
            return f"/* {path.name} */\n"
    return f"# {path.name}\n"


def _parseable(_match: re.Match[str], source: str) -> str:
    """As much of a source, from its beginning, as is valid: what was cut off at its end is dropped."""
    lines = source.splitlines()
    while lines:
        try:
            ast.parse("\n".join(lines))
        except (SyntaxError, ValueError):
            # Whatever is wrong is wrong in the last definition or statement at top level.
            lines.pop()
            while lines and (not lines[-1].strip() or lines[-1][0].isspace() or lines[-1].startswith("@")):
                lines.pop()
        else:
            break
    return "\n".join(lines) + "\n" if lines else "from __future__ import annotations\n"


def _defined(match: re.Match[str], source: str) -> str:
    """With the name that others import: another name for what it must have meant, or something harmless."""
    name = match["name"]
    if name == "blueprint":
        made = f'blueprint = Blueprint("{match["module"]}", __name__)'
        return f"{source}\nfrom flask import Blueprint  # noqa: E402\n\n{made}\n"
    known = re.findall(r"^(?:def |class )?(\w+)(?=\(| = )", source, re.MULTILINE)
    alike = difflib.get_close_matches(name, known, n=1)
    if alike:
        return f"{source}\n\n{name} = {alike[0]}\n"
    head = f"def {name}(*_given: object, **_named: object) -> list:"
    return f'{source}\n\n{head}\n    """Nothing is kept here yet."""\n    return []\n'


def _without_template(match: re.Match[str], source: str) -> str:
    """With a page of its own in place of the template that is not there."""
    page = '"<h1>{{ title }}</h1>"'
    changed = re.sub(
        rf"\brender_template\(\s*([\"']){re.escape(match['template'])}\1",
        f"render_template_string({page}",
        source,
    )
    used = (
        "render_template_string"
        if "render_template(" not in changed
        else "render_template, render_template_string"
    )
    return re.sub(r"(from flask import .*)\brender_template\b", rf"\1{used}", changed, count=1)


def _moved(match: re.Match[str], source: str) -> str:
    """With the route under the name of its module."""
    route = match["route"]
    base = f"/{PurePosixPath(match['path']).stem.replace('_', '-')}"
    return re.sub(rf"([\"']){re.escape(route)}\1", rf'"{base}{"" if route == "/" else route}"', source)


def _absolute(_match: re.Match[str], source: str) -> str:
    """With plain imports: the files of an application lie side by side."""
    return re.sub(
        r"^(\s*)from \.(\w)",
        r"\1from \2",
        re.sub(r"^(\s*)from \. import", r"\1import", source, flags=re.M),
        flags=re.M,
    )


_MENDS = (
    (_RELATIVE, _absolute),
    (_EMPTY, _filled),
    (_NOT_PYTHON, _parseable),
    (_MISSING_NAME, _defined),
    (_NO_TEMPLATE, _without_template),
    (_DOUBLED, _moved),
)
