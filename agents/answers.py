"""Reading what models really answer: fenced or not, with chatter around it, and YAML that is almost YAML.

Every reader returns what was asked for or raises `UnusableAnswer` with a reason the model can act on.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from agents.conversation import UnusableAnswer

__all__ = ["FencedBlock", "fenced", "fenced_blocks", "mapping", "parse_python", "python_code"]

# An answer is data from outside: reading one costs no more than this many tries, whatever it holds.
_MOST_BLOCKS = 50
_MOST_ENDS = 20

_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[\w+.-]*)[^\n`]*$")
_KEY_LINE = re.compile(r"^[A-Za-z_][\w -]*:(\s|$)")
_PAIR = re.compile(r"^(?P<head>\s*(?:- +)?[A-Za-z_][\w-]*: +)(?P<value>\S.*?)\s*$")
_ITEM = re.compile(r"^(?P<head>\s*- +)(?P<value>\S.*?)\s*$")
_CODE_LINE = re.compile(
    r"^(?:from |import |def |async def |class |@|#|\"\"\"|'''|if __name__|[A-Za-z_]\w*\s*[:=])"
)


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """The inside of a fenced block, with the language named on its opening line (lower case, or '')."""

    language: str
    body: str


def fenced_blocks(text: str) -> list[FencedBlock]:
    """The fenced blocks of `text` as Markdown reads them; one that is never closed runs to the end."""
    return [FencedBlock(language, bodies[0]) for language, bodies in _fences(_clean(text))]


def fenced(text: str, *languages: str) -> str | None:
    """The body of the first fenced block in one of `languages`, or None."""
    return next((block.body for block in fenced_blocks(text) if block.language in languages), None)


def parse_python(code: str) -> ast.Module:
    """The syntax tree of `code`; raises `UnusableAnswer` with line and reason where there is none."""
    try:
        return ast.parse(code)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise UnusableAnswer(
            f"the code is not valid Python: line {error.lineno}: {error.msg}: {line}"
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnusableAnswer(f"the code is not valid Python: {error or type(error).__name__}") from None


def python_code(text: str) -> str:
    """The Python source in an answer: LF line ends, one newline at the end.

    A fence inside the code (in a docstring, say) does not end it: where a block is not valid Python as
    Markdown ends it, the last end that makes it valid counts. Among several blocks the longest wins.
    """
    text = _clean(text)
    blocks = list(_fences(text))
    valid = [
        body
        for language, bodies in blocks
        if language in ("", "python", "py", "python3")
        for body in [next((body for body in bodies if _is_source(body)), None)]
        if body is not None
    ]
    if valid:
        return _tidy(max(valid, key=len))
    for language, bodies in blocks:
        if language in ("python", "py", "python3"):
            parse_python(bodies[0])
            raise UnusableAnswer("the fenced block holds no definition; give the whole file")
    bare = _bare_source(text)
    if bare is None:
        raise UnusableAnswer(
            "there is no Python code in the answer; give one fenced block with the whole file"
        )
    return _tidy(bare)


def mapping(text: str, *, having: str) -> dict[str, object]:
    """The YAML (or JSON) mapping in an answer that has the key `having`.

    Tried in turn: fenced blocks, the whole text, the text from its first `key:` line on; each as it is,
    then with the usual slips mended (tabs, values with an unquoted colon, list items likewise).
    """
    problem = f"there is no YAML mapping with the key '{having}'"
    for candidate in _yaml_candidates(_clean(text)):
        for mend in (str, _mended):
            try:
                data = yaml.safe_load(mend(candidate))
            except yaml.YAMLError as error:
                problem = "the YAML cannot be read: " + " ".join(str(error).split())
                continue
            except (ValueError, RecursionError) as error:
                problem = f"the YAML cannot be read: {error or type(error).__name__}"
                continue
            if isinstance(data, dict) and having in data:
                return {str(key): value for key, value in data.items()}
    raise UnusableAnswer(problem)


def _clean(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnusableAnswer("the answer holds characters that are not Unicode text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def _tidy(code: str) -> str:
    return "\n".join(line.rstrip() for line in code.strip("\n").split("\n")).rstrip() + "\n"


def _fences(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each block as its language and the bodies it could have: first as Markdown ends it, then from the
    last possible end to earlier ones. The next block is sought behind the Markdown end.
    """
    lines = text.split("\n")
    at = 0
    blocks = 0
    while at < len(lines) and blocks < _MOST_BLOCKS:
        opening = _FENCE.match(lines[at])
        if opening is None:
            at += 1
            continue
        blocks += 1
        marks = opening["marks"]
        closing = re.compile(rf"^ {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$")
        ends = [i for i in range(at + 1, len(lines)) if closing.match(lines[i])] or [len(lines)]
        others = ends[1:][-_MOST_ENDS:]
        bodies = ["\n".join(lines[at + 1 : end]) for end in [ends[0], *reversed(others)]]
        yield opening["language"].lower(), bodies
        at = ends[0] + 1


def _is_source(code: str) -> bool:
    try:
        tree = parse_python(code)
    except UnusableAnswer:
        return False
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
    return any(isinstance(node, kinds) for node in tree.body)


def _bare_source(text: str) -> str | None:
    """Source without a fence: from the first line that looks like code to the last, prose left out."""
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if _CODE_LINE.match(line)][:5]
    for start in starts:
        end = len(lines)
        while end > start:
            body = "\n".join(lines[start:end])
            if _is_source(body):
                return body
            # Only prose may be dropped from the end: dropping code would hide an error in it.
            last = next((i for i in range(end - 1, start, -1) if lines[i].strip()), start)
            if last == start or lines[last][0].isspace() or _CODE_LINE.match(lines[last]):
                break
            end = last
    return None


def _yaml_candidates(text: str) -> Iterator[str]:
    blocks = sorted(fenced_blocks(text), key=lambda block: block.language not in ("yaml", "yml", "json"))
    for block in blocks:
        yield block.body
    yield text
    lines = text.split("\n")
    start = next((i for i, line in enumerate(lines) if _KEY_LINE.match(line)), None)
    if start is None:
        return
    end = start
    for i in range(start, len(lines)):
        line = lines[i]
        if line.strip() and not (line[0] in " \t-#}]" or _KEY_LINE.match(line)):
            break
        end = i + 1
    yield "\n".join(lines[start:end])


def _mended(text: str) -> str:
    return "\n".join(_mended_line(line.replace("\t", "  ")) for line in text.split("\n"))


def _mended_line(line: str) -> str:
    match = _PAIR.match(line) or _ITEM.match(line)
    if match is None:
        return line
    value = match["value"].rstrip(",")
    if _reads_as_text(value):
        return f"{match['head']}{value}"
    return match["head"] + json.dumps(value, ensure_ascii=False)


def _reads_as_text(value: str) -> bool:
    """Whether YAML takes `value` for one whole value as it stands."""
    if value[0] in "|>":
        return True
    try:
        data = yaml.safe_load(f"- {value}")
    except yaml.YAMLError:
        return False
    plain = value[0] not in "[{\"'"
    return isinstance(data, list) and not (plain and isinstance(data[0], dict | list))
