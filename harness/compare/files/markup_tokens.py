"""Tokens of HTML, CSS and JavaScript: what a parsed text says, without its layout and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node

__all__ = ["Attributes", "Structure", "Token", "Words", "html_tokens", "script_tokens"]

# The grammar of HTML takes quadratic time over tags that are not closed.
_MOST_TAGS = 10_000
_WHOLE = {"string", "string_value", "template_string", "regex", "jsx_text"}
_SCRIPTS = {"script_element": "javascript", "style_element": "css"}
_VERBATIM = {b"pre", b"textarea"}
_PLAIN_NAME = re.compile(r"[\w:.@-]+")
_TEMPLATE = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
_TAG_IN_TEMPLATE = re.compile(r"\{[{%#][^{}]*[<>][^{}]*[%#}]\}")


@dataclass(frozen=True, slots=True)
class Structure:
    """What decides how a text behaves: the kind of a node, and what it says if it is a leaf."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a page between two pieces of structure."""

    text: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of one tag, in which order means nothing."""

    pairs: tuple[tuple[str, str], ...]

    def sorted(self) -> Attributes:
        return Attributes(tuple(sorted(self.pairs)))


Token = Structure | Words | Attributes


def script_tokens(language: str, text: str) -> list[Token] | None:
    """The tokens of `text` in `javascript` or `css`, or None where it cannot be parsed."""
    source = text.encode()
    root = _parsed(language, source)
    return None if root is None else list(_script(root, source))


def html_tokens(text: str) -> list[Token] | None:
    """The tokens of a page or Jinja template, or None where it cannot be parsed."""
    if text.count("<") > _MOST_TAGS or _TAG_IN_TEMPLATE.search(text):
        return None
    root = _parsed("html", text.encode())
    return None if root is None else list(_page(root))


@cache
def _language(name: str) -> Language:
    # Here, as most comparisons have no need of a parser.
    import tree_sitter_css
    import tree_sitter_html
    import tree_sitter_javascript
    from tree_sitter import Language

    grammars = {
        "css": tree_sitter_css.language,
        "html": tree_sitter_html.language,
        "javascript": tree_sitter_javascript.language,
    }
    return Language(grammars[name]())


def _parsed(language: str, source: bytes) -> Node | None:
    from tree_sitter import Parser

    root = Parser(_language(language)).parse(source).root_node
    return None if root.has_error else root


def _script(root: Node, source: bytes) -> Iterator[Token]:
    # An explicit stack, as a text may nest as deep as it is long; None closes the node before.
    waiting: list[Node | None] = [root]
    while waiting:
        node = waiting.pop()
        if node is None:
            yield Structure("end")
        elif node.type in ("comment", "html_comment"):
            continue
        elif node.type in _WHOLE or not node.child_count:
            # In CSS `and (` and `and(` are two things.
            spaced = node.type == "(" and source[node.start_byte - 1 : node.start_byte].isspace()
            yield Structure(node.type, f"{' ' if spaced and root.type == 'stylesheet' else ''}{_text(node)}")
        else:
            yield Structure(node.type, _own_text(node, source))
            waiting += [None, *reversed(node.children)]


def _page(root: Node) -> Iterator[Token]:
    waiting: list[Node | None] = [root]
    while waiting:
        node = waiting.pop()
        if node is None:
            yield Structure("end")
        elif node.type == "doctype":
            yield Structure(node.type, " ".join(_text(node).lower().split()))
        elif node.type == "comment":
            if "{{" in _text(node) or "{%" in _text(node):
                yield Structure("comment", _text(node))
        elif node.type in ("start_tag", "self_closing_tag"):
            yield from _tag(node)
        elif node.type in ("text", "entity"):
            yield from _words(_text(node))
        elif node.type in _SCRIPTS:
            yield from _embedded(node)
        elif node.type == "element" and _tag_name(node) in _VERBATIM:
            yield Structure("verbatim", _text(node))
        elif not node.child_count:
            yield Structure(node.type, _text(node))
        else:
            yield Structure(node.type)
            waiting += [None, *reversed(node.children)]


def _tag(node: Node) -> Iterator[Token]:
    pairs = []
    for attribute in (child for child in node.children if child.type == "attribute"):
        name, *value = attribute.named_children
        # A value without quotes says the same.
        said = value[0].named_children if value and value[0].type == "quoted_attribute_value" else value
        pairs.append((_text(name), "=" * bool(value) + "".join(map(_text, said))))
    names = [name.lower() for name, _ in pairs]
    if len(set(names)) < len(names) or not all(map(_PLAIN_NAME.fullmatch, names)):
        # Of two of a name the first counts; a template inside of a tag reads as odd names.
        yield Structure("tag", _text(node))
        return
    yield Structure(node.type, _tag_name_of(node).decode())
    yield Attributes(tuple(pairs))


def _words(text: str) -> Iterator[Token]:
    for piece in _TEMPLATE.split(text):
        words = " ".join(piece.split())
        if piece.startswith(("{{", "{%")):
            yield Structure("template", piece)
        elif words and not piece.startswith("{#"):
            yield Words(words)


def _embedded(node: Node) -> Iterator[Token]:
    """The tokens of a script or style sheet in a page, or its text where it cannot be parsed."""
    for child in node.children:
        if child.type == "start_tag":
            yield from _tag(child)
        elif child.type == "raw_text":
            text = _text(child)
            tokens = script_tokens(_SCRIPTS[node.type], text)
            yield from tokens if tokens is not None else [Structure("raw", text)]


def _tag_name(element: Node) -> bytes:
    return _tag_name_of(element.children[0]) if element.child_count else b""


def _tag_name_of(tag: Node) -> bytes:
    names = (child.text for child in tag.children if child.type == "tag_name")
    return (next(names, None) or b"").lower()


def _own_text(node: Node, source: bytes) -> str:
    """What `node` says beside its children: of `2rem` in CSS the unit is a child, and the number is not."""
    at, own = node.start_byte, []
    for child in node.children:
        own.append(source[at : child.start_byte])
        at = child.end_byte
    own.append(source[at : node.end_byte])
    return " ".join(b" ".join(own).decode(errors="replace").split())


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")
