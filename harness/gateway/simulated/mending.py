"""Mending: the changes to files that make what was found wrong with them go away."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from agents.syntax import syntax_tree

__all__ = ["findings_in", "mended"]

_Mend = Callable[[re.Match[str], str], str]


def findings_in(feedback: str) -> list[str]:
    """The findings in a refusal, one sentence each; what is said of a file names it."""
    found: list[str] = []
    path = ""
    for piece in re.split(r"; |\n", feedback):
        named = re.search(r"(?:^|: )([\w/]+\.py): (?=the function |\w+ takes )", piece)
        path = named[1] if named else path
        sentence = piece[named.end() :] if named else piece
        is_about_function = sentence.startswith("the function ") or " takes (" in sentence
        found.append(f"{path}: {sentence}" if is_about_function else piece)
    return found


def mended(findings: Sequence[str], files: Mapping[str, str]) -> dict[str, str]:
    """The files of `files` that have to change, with their new contents."""
    changed: dict[str, str] = {}
    for pattern, mend in _MENDS:
        for finding in findings:
            match = pattern.search(finding)
            if match is None:
                continue
            path = f"{match['module']}.py" if "module" in pattern.groupindex else match["path"]
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
            syntax_tree("\n".join(lines))
        except (SyntaxError, ValueError):
            # Whatever is wrong is wrong in the last definition or statement at top level.
            lines.pop()
            while lines and (not lines[-1].strip() or lines[-1][0].isspace() or lines[-1].startswith("@")):
                lines.pop()
        else:
            break
    return "\n".join(lines) + "\n" if lines else "from __future__ import annotations\n"


def _specified(match: re.Match[str], source: str) -> str:
    """With a function as its API has it."""
    returns = match["signature"].rpartition("-> ")[2].partition("[")[0].strip()
    value = {"list": "[]", "dict": "{}", "int": "0", "float": "0.0", "str": '""', "bool": "False"}
    return _with(source, f"def {match['signature']}:", value.get(returns, "None"))


def _respecified(match: re.Match[str], source: str) -> str:
    """With the parameters that the API gives a function."""
    optional = ", ".join(f"{name}=None" for name in match["parameters"].split(", ") if name)
    return _with(source, f"def {match['name']}({optional}):", "None")


def _with(source: str, head: str, value: str) -> str:
    name = re.split(r"[ (]", head)[1]
    if re.search(rf"^def {name}\(", source, re.MULTILINE):
        return source
    return f'{source}\n\n{head}\n    """Nothing is kept here yet."""\n    return {value}\n'


def _defined(match: re.Match[str], source: str) -> str:
    """With the name that others import: another name for what it must have meant, or something harmless."""
    name = match["name"]
    if re.search(rf"^(?:def {name}\(|{name} = )", source, re.MULTILINE):
        return source
    if name == "blueprint":
        made = f'blueprint = Blueprint("{match["module"]}", __name__)'
        return f"{source}\nfrom flask import Blueprint  # noqa: E402\n\n{made}\n"
    known = re.findall(r"^(?:def |class )?(\w+)(?=\(| = )", source, re.MULTILINE)
    alike = difflib.get_close_matches(name, known, n=1)
    if alike:
        return f"{source}\n\n{name} = {alike[0]}\n"
    return _with(source, f"def {name}(*_given: object, **_named: object) -> list:", "[]")


def _without_template(match: re.Match[str], source: str) -> str:
    """With a page of its own in place of the template that is not there."""
    page = '"<h1>{{ title }}</h1>"'
    rendered = rf"\brender_template\(\s*([\"']){re.escape(match['template'])}\1"
    changed = re.sub(rendered, f"render_template_string({page}", source)
    used = "render_template_string"
    if "render_template(" in changed:
        used = f"render_template, {used}"
    return re.sub(r"(from flask import .*)\brender_template\b", rf"\1{used}", changed, count=1)


def _absolute(_match: re.Match[str], source: str) -> str:
    """With plain imports: the files of an application lie side by side."""
    bare = re.sub(r"^(\s*)from \.+ import", r"\1import", source, flags=re.MULTILINE)
    return re.sub(r"^(\s*)from \.+(\w)", r"\1from \2", bare, flags=re.MULTILINE)


def _moved(match: re.Match[str], source: str) -> str:
    """With the route under the name of its module."""
    route = match["route"]
    base = f"/{PurePosixPath(match['path']).stem.replace('_', '-')}"
    return re.sub(rf"([\"']){re.escape(route)}\1", f'"{base}{"" if route == "/" else route}"', source)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"(?P<path>[\w./-]+)" + text)


# What is empty or broken is made whole first: what it lacks is then added to it.
_MENDS: tuple[tuple[re.Pattern[str], _Mend], ...] = (
    (_pattern(" is empty"), _filled),
    (_pattern(": the code is not valid Python"), _parseable),
    (_pattern(r", line \d+: a relative import fails here"), _absolute),
    (_pattern(r": the function (?P<signature>\w+\(.*) is missing"), _specified),
    (_pattern(r": (?P<name>\w+) takes \(.*?\) and must take \((?P<parameters>[^()]*)\)"), _respecified),
    (re.compile(r"line \d+: (?P<module>\w+)\.py defines no (?P<name>\w+)"), _defined),
    (_pattern(r" renders (?P<template>\S+), and there is no templates/"), _without_template),
    (_pattern(r" and \S+ both serve \w+ (?P<route>/\S*)"), _moved),
)
