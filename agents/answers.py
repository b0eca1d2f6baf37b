"""Reading what models really answer: fenced or not, with chatter around it, and YAML that is almost YAML.

Every reader returns what was asked for or raises `UnusableAnswer` with a reason the model can act on. An
answer is data from outside: reading one takes seconds at most, whatever it holds.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import yaml

from agents.conversation import UnusableAnswer
from agents.syntax import parsing

__all__ = [
    "FencedBlock",
    "fenced",
    "fenced_blocks",
    "mapping",
    "parse_python",
    "parse_statements",
    "python_code",
]

_MOST_CHARACTERS = 200_000
# How many characters of candidates are tried before an answer counts as unusable.
_MOST_PYTHON_TRIED = 2_000_000
_MOST_YAML_TRIED = 400_000
_MOST_BLOCKS = 50
_MOST_ENDS = 20
_MOST_STARTS = 5

_PYTHON = ("python", "py", "python3")

# Quantifiers are possessive (`*+`) where backtracking over a line made for it would take hours.
_FENCE = re.compile(r"(?P<indent> *+)(?P<marks>`{3,}+|~{3,}+)[ \t]*+(?P<language>[\w+.-]*+)(?P<more>[^`]*+)")
_KEY_LINE = re.compile(r"[A-Za-z_][\w -]*+:(?:\s|$)")
_INNER_LINE = re.compile(r"\s|$|#|- |[\]}]")
_PAIR = re.compile(r"(?P<head>\s*+(?:- +)?[A-Za-z_][\w-]*+: ++)(?P<value>.+)")
_ITEM = re.compile(r"(?P<head>\s*+- ++)(?P<value>.+)")
_WHOLE_VALUE = re.compile(
    r"""(?:"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'|\[.*\]|\{.*\}|[|>][-+1-9]{0,2})(?:\s+\#.*)?""", re.VERBOSE
)
_OPEN_VALUE = re.compile(r"\"[^\"]*+|\[[^\]]*+|\{[^}]*+")
_NO_PLAIN_VALUE = re.compile(r"""[\[\]{}"'|>&*!%@`,#]|[-?:](?:\s|$)|.*:(?:\s|$)""")
_CODE_LINE = re.compile(
    r"from |import |def |async def |class |@|#|\"\"\"|'''|if __name__|[A-Za-z_]\w*+\s*+[:=]"
)


@dataclass(frozen=True, slots=True)
class FencedBlock:
    """The inside of a fenced block, with the language named on its opening line (lower case, or '')."""

    language: str
    body: str


def fenced_blocks(text: str) -> list[FencedBlock]:
    """The fenced blocks of `text` as Markdown reads them; one that is never closed runs to the end.

    A fence inside Python (in a docstring, say) does not end it: where a block is not valid Python as
    Markdown ends it, the last end that makes it valid counts.
    """
    text = _clean(text)
    lines = text.split("\n")
    fences = list(_fences(lines))
    tries = _tries(_MOST_PYTHON_TRIED, text)
    blocks: list[FencedBlock] = []
    at = 0
    for number, opening in enumerate(fences):
        if opening.line < at:
            continue
        if len(blocks) == _MOST_BLOCKS:
            break
        later = [fence.line for fence in fences[number + 1 :] if fence.closes(opening)] or [len(lines)]
        end = later[0]
        body = _inside(lines, opening, end)
        if opening.language in (*_PYTHON, "") and _tree(body) is None:
            for last, _ in zip(islice(reversed(later[1:]), _MOST_ENDS), tries, strict=False):
                longer = _inside(lines, opening, last)
                if _is_source(longer):
                    end, body = last, longer
                    break
        blocks.append(FencedBlock(opening.language, body))
        at = end + 1
    return blocks


def fenced(text: str, *languages: str) -> str | None:
    """The body of the first fenced block in one of `languages`, or None."""
    return next((block.body for block in fenced_blocks(text) if block.language in languages), None)


def parse_python(code: str) -> ast.Module:
    """The syntax tree of `code`; raises `UnusableAnswer` with line and reason where it does not compile."""
    _compiled(code)
    tree: ast.Module = _compiled(code, ast.PyCF_ONLY_AST)
    return tree


def parse_statements(code: str) -> ast.Module:
    """The syntax tree of `code`, which need not be a whole source: it may `return`.

    Raises `UnusableAnswer` with line and reason where it cannot be parsed.
    """
    tree: ast.Module = _compiled(code, ast.PyCF_ONLY_AST)
    return tree


def python_code(text: str) -> str:
    """The Python source in an answer: LF line ends, one newline at the end; it compiles.

    Among several blocks the longest wins; without a block, the lines that read as code.
    """
    blocks = fenced_blocks(text)
    sources = [b.body for b in blocks if b.language in (*_PYTHON, "") and _is_source(b.body)]
    code = max(sources, key=len, default=None)
    if code is None:
        for block in blocks:
            if block.language in _PYTHON:
                parse_python(block.body)
                raise UnusableAnswer("the fenced block holds no definition; give the whole file")
        code = _bare_source(_clean(text))
    if code is None:
        raise UnusableAnswer(
            "there is no Python code in the answer; give one fenced block with the whole file"
        )
    code = code.strip("\n").rstrip() + "\n"
    parse_python(code)
    return code


def mapping(text: str, *, having: str) -> dict[str, object]:
    """The YAML (or JSON) mapping in an answer that has the key `having`; its scalars are text or None.

    Tried in turn: fenced blocks, the whole text, its runs of lines that read as YAML, what stands in
    braces; each as it is, then with the usual slips mended (tabs, values with an unquoted colon, list items
    likewise).
    """
    text = _clean(text)
    absent = f"there is no YAML mapping with the key '{having}'"
    problems: list[str] = []
    tries = _tries(_MOST_YAML_TRIED, text)
    for candidate, _ in zip(_yaml_candidates(text, having), tries, strict=False):
        try:
            data = _loaded(candidate)
        except yaml.YAMLError as error:
            problems.append("the YAML cannot be read: " + " ".join(str(error).split()))
        except (ValueError, OverflowError, RecursionError) as error:
            problems.append(f"the YAML cannot be read: {error or type(error).__name__}")
        else:
            if isinstance(data, dict) and having in data:
                return {str(key): value for key, value in data.items()}
            problems.append(absent)
    # The first candidate is the likeliest: what is wrong with it is what the model can mend.
    raise UnusableAnswer(problems[0] if problems else absent)


def _clean(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise UnusableAnswer(f"the answer has {len(text)} characters; it may have {_MOST_CHARACTERS}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UnusableAnswer("the answer holds characters that are not Unicode text") from None
    if "\0" in text:
        raise UnusableAnswer("the answer holds NUL characters; answer with plain text")
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def _tries(most_characters: int, text: str) -> Iterator[int]:
    """As many steps as `text` may be tried; what they cost together is bounded."""
    return iter(range(max(2, most_characters // max(1, len(text)))))


@dataclass(frozen=True, slots=True)
class _Fence:
    """A line that opens a fenced block or, where nothing follows its marks, closes one."""

    line: int
    indent: int
    marks: str
    language: str
    is_bare: bool

    def closes(self, opening: _Fence) -> bool:
        return self.is_bare and self.marks.startswith(opening.marks) and self.indent <= opening.indent + 3


def _fences(lines: Sequence[str]) -> Iterator[_Fence]:
    for number, line in enumerate(lines):
        match = _FENCE.fullmatch(line)
        if match:
            is_bare = not match["language"] and not match["more"].strip()
            yield _Fence(number, len(match["indent"]), match["marks"], match["language"].lower(), is_bare)


def _inside(lines: Sequence[str], opening: _Fence, end: int) -> str:
    """The lines between fences, less the indentation that the opening one has (as in a list item)."""
    inner = lines[opening.line + 1 : end]
    if opening.indent:
        inner = [line[min(opening.indent, len(line) - len(line.lstrip(" "))) :] for line in inner]
    return "\n".join(inner)


# The same source is read as part of an answer, as code and by the checks that follow.
@lru_cache(maxsize=64)
def _compiled(code: str, flags: int = 0) -> Any:
    try:
        # What generated code is warned for (`"\d"`) is no business of this process. Bytes, for they are
        # what is run: a comment on line 1 may name an encoding.
        with parsing():
            return compile(code.encode(), "<answer>", "exec", flags=flags, dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise UnusableAnswer(
            f"the code is not valid Python: line {error.lineno}: {error.msg}: {line}"
        ) from None
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise UnusableAnswer(f"the code is not valid Python: {error or type(error).__name__}") from None


def _tree(code: str) -> ast.Module | None:
    try:
        tree: ast.Module = _compiled(code, ast.PyCF_ONLY_AST)
    except UnusableAnswer:
        return None
    return tree


def _is_source(code: str) -> bool:
    tree = _tree(code)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign)
    return tree is not None and any(isinstance(node, kinds) for node in tree.body)


def _bare_source(text: str) -> str | None:
    """Source without a fence: from the first line that looks like code to the last, prose left out."""
    bodies = _bare_bodies(text.split("\n"))
    tries = _tries(_MOST_PYTHON_TRIED, text)
    return next((body for body, _ in zip(bodies, tries, strict=False) if _is_source(body)), None)


def _bare_bodies(lines: Sequence[str]) -> Iterator[str]:
    starts = (i for i, line in enumerate(lines) if _CODE_LINE.match(line))
    for start in islice(starts, _MOST_STARTS):
        end = len(lines)
        while end > start:
            yield "\n".join(lines[start:end])
            # Only prose may be dropped from the end: dropping code would hide an error in it.
            last = next((i for i in range(end - 1, start, -1) if lines[i].strip()), start)
            if last == start or lines[last][0].isspace() or _CODE_LINE.match(lines[last]):
                break
            end = last


class _Loader(yaml.BaseLoader):
    """YAML without types: text stays what was written (`12:30`, `no`, `0x1F`), and nothing is None."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # An alias lets a few lines stand for more data than there is memory.
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", None)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode) -> str:
        # JSON writes a character beyond the first plane as two escapes, which YAML reads as two characters.
        return super().construct_scalar(node).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_NULL = "tag:yaml.org,2002:null"
_Loader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|none)?\Z", re.IGNORECASE), None)
_Loader.add_constructor(_NULL, lambda loader, node: None)


def _loaded(text: str) -> object:
    loader = _Loader(text)
    try:
        data: object = loader.get_single_data()
    finally:
        loader.dispose()
    return data


def _yaml_candidates(text: str, having: str) -> Iterator[str]:
    for candidate in _yaml_texts(text):
        if having in candidate:
            yield candidate
            yield "\n".join(_mended(line.replace("\t", "  ")) for line in candidate.split("\n"))


def _yaml_texts(text: str) -> Iterator[str]:
    blocks = sorted(fenced_blocks(text), key=lambda block: block.language not in ("yaml", "yml", "json"))
    for block in blocks:
        yield block.body
    yield text
    yield from _yaml_runs(text.split("\n"))
    yield text[text.find("{") : text.rfind("}") + 1]


def _yaml_runs(lines: Sequence[str]) -> Iterator[str]:
    """The runs of lines that read as YAML. One that goes on behind a line that does not is torn: no run."""
    run: list[str] = []
    for number, line in enumerate(lines):
        if _KEY_LINE.match(line) or (run and _INNER_LINE.match(line)):
            run.append(line)
        elif run:
            rest = (lines[i] for i in range(number + 1, len(lines)))
            following = next(filter(str.strip, rest), "")
            if not following[:1].isspace():
                yield "\n".join(run)
            run = []
    yield "\n".join(run)


def _mended(line: str) -> str:
    match = _PAIR.fullmatch(line) or _ITEM.fullmatch(line)
    if match is None or _OPEN_VALUE.fullmatch(match["value"]):
        return line
    value = match["value"].strip().rstrip(",")
    if _WHOLE_VALUE.fullmatch(value):
        return match["head"] + value
    text = value.partition(" #")[0].rstrip()
    return match["head"] + (json.dumps(text, ensure_ascii=False) if _NO_PLAIN_VALUE.match(text) else text)
