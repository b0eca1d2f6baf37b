"""YAML documents that people write, as models; what is wrong is named with file, line and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from harness.errors import BadInputError
from harness.spec.problems import first_problem, in_words

__all__ = ["DocumentKind", "read_documents"]

M = TypeVar("M", bound=BaseModel)

# Text, and `<<`.
_KEY_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"})

# Far more keys than anybody writes; what merges to more is meant to do harm.
_MOST_MERGED = 10_000


class _Loader(yaml.SafeLoader):
    """A safe loader whose every error has a place, and that no merging of merged keys can blow up."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            tag = node.tag.removeprefix("tag:yaml.org,2002:")
            raise ConstructorError(None, None, f"the value is no {tag}", node.start_mark) from error

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MOST_MERGED:
            problem = f"merging makes more than {_MOST_MERGED} keys"
            raise ConstructorError(None, None, problem, node.start_mark)


@dataclass(frozen=True, slots=True)
class DocumentKind(Generic[M]):
    """A kind of document: its model, what people call it, which keys it must have, in words.

    `parts` are the models of its nested mappings by the key under which they stand.
    """

    model: type[M]
    name: str
    needs: str
    parts: Mapping[str, type[BaseModel]] = field(default_factory=dict)


def read_documents(file: Path, kind: DocumentKind[M]) -> Iterator[tuple[str, M]]:
    """The documents in `file`, each with its place (`file:line`).

    Validators find the folder of `file` as `folder` in their context. Raises `BadInputError` for the first
    thing that is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInputError(f"{file}: cannot be read: {reason}") from error
    nodes, documents = _parsed(file, text)
    if not documents:
        raise BadInputError(f"{file}:1: holds no {kind.name}; it needs at least {kind.needs}")
    for node, data in zip(nodes, documents, strict=True):
        _check_keys(file, node)
        place = f"{file}:{_line(node)}"
        if not isinstance(data, dict):
            raise BadInputError(f"{place}: a {kind.name} is a mapping with {kind.needs}")
        try:
            yield place, kind.model.model_validate(data, context={"folder": file.absolute().parent})
        except ValidationError as error:
            raise BadInputError(_explain(file, node, error, kind)) from error


def _parsed(file: Path, text: str) -> tuple[list[yaml.Node], list[object]]:
    """The documents that are not empty, as nodes, which have places, and as data."""
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=_Loader) if not _is_empty(node)]
        data = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise BadInputError(f"{file}:{line}: not valid YAML: {problem}") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{ord(text[error.position]):04X} may not stand in it"
        raise BadInputError(f"{file}:{line}: not valid YAML: {problem}") from error
    except RecursionError as error:
        raise BadInputError(f"{file}:1: not valid YAML: nested too deep") from error
    return nodes, data


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _check_keys(file: Path, document: yaml.Node) -> None:
    """Refuse keys that are no text, and keys that stand twice in one mapping."""
    # Each node once: by its aliases a document of a few lines can hold millions of them, or itself.
    seen_nodes: set[int] = set()
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.tag not in _KEY_TAGS:
                    raise BadInputError(
                        f"{file}:{_line(key)}: the key '{key.value}' is no text; put it in quotes"
                    )
                if key.value in seen:
                    raise BadInputError(f"{file}:{_line(key)}: the key '{key.value}' stands here twice")
                seen.add(key.value)
                waiting.append(value)


def _explain(file: Path, document: yaml.Node, error: ValidationError, kind: DocumentKind[M]) -> str:
    """The first problem as one line: where, which key, what is wrong, what would be right."""
    problem = first_problem(error)
    location: tuple[int | str, ...] = problem.get("ctx", {}).get("location") or problem["loc"]
    owner = str(location[0]) if len(location) > 1 else ""
    place = f"{file}:{_line(_node_at(document, location))}"
    return f"{place}: {in_words(problem, location, kind.parts.get(owner, kind.model))}"


def _node_at(node: yaml.Node, location: Sequence[int | str]) -> yaml.Node:
    """The node that `location` leads to, or the last one on the way there."""
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return node
            key, value = found
            node = value if isinstance(value, yaml.CollectionNode) else key
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return node


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
