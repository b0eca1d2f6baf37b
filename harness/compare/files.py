"""The files layer: are the generated files the same bytes?"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.places import own_places
from harness.compare.text import first_difference
from harness.record import FileFacts, RunRecord

__all__ = ["compare_files"]

_Files = Mapping[str, FileFacts]


def compare_files(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the generated files, by path."""
    ours, theirs = control.summary.files, candidate.summary.files
    renamed = _renamed(ours, theirs)
    for path in sorted(ours.keys() - theirs.keys()):
        if path not in renamed:
            yield _mismatch(Kind.MISSING, path, f"{path} is missing in the candidate")
            continue
        name = renamed[path]
        same = ours[path].sha256 == theirs[name].sha256
        sentence = f"{path} is called {name} in the candidate{'' if same else ', and holds something else'}"
        yield _mismatch(Kind.RENAMED, path, sentence, path, name)
    for path in sorted(theirs.keys() - ours.keys() - set(renamed.values())):
        yield _mismatch(Kind.EXTRA, path, f"{path} is only in the candidate")
    changed = {
        path
        for path in ours.keys() & theirs.keys()
        if ours[path].sha256 != theirs[path].sha256 and not _differs_by_place(path, control, candidate)
    }
    home = _homes(ours, changed)
    for path in sorted(changed):
        other = home.get(theirs[path].sha256)
        if other is None:
            yield _changed(path, control, candidate)
        elif other in changed and theirs[other].sha256 == ours[path].sha256:
            if path < other:
                yield _mismatch(Kind.SWAPPED, path, f"{path} and {other} have each other's content")
        else:
            yield _mismatch(Kind.CHANGED, path, f"{path} has the content that belongs in {other}")


def _renamed(ours: _Files, theirs: _Files) -> dict[str, str]:
    """The candidate's names of files that differ from the control's in case only, or by nothing else."""
    left = sorted(theirs.keys() - ours.keys())
    renamed: dict[str, str] = {}
    for path in sorted(ours.keys() - theirs.keys()):
        alike = [name for name in left if name.casefold() == path.casefold()] or [
            name for name in left if ours[path].size and theirs[name].sha256 == ours[path].sha256
        ]
        if alike:
            renamed[path] = alike[0]
            left.remove(alike[0])
    return renamed


def _homes(ours: _Files, changed: set[str]) -> dict[str, str]:
    """Where each content of the control belongs; of files that hold the same, one that was changed."""
    # The last one written stays.
    paths = sorted(ours, key=lambda path: (path in changed, path))
    return {ours[path].sha256: path for path in paths if ours[path].size}


def _differs_by_place(path: str, control: RunRecord, candidate: RunRecord) -> bool:
    """Whether a file differs only in the names of folders that a run had to itself."""
    here, there = own_places(control, candidate), own_places(candidate, control)
    if not (here.words or there.words):
        return False
    try:
        before, after = control.file(path), candidate.file(path)
    except OSError:
        return False
    return here.out_of_bytes(before) == there.out_of_bytes(after)


def _changed(path: str, control: RunRecord, candidate: RunRecord) -> Mismatch:
    try:
        before, after = control.file(path).decode(), candidate.file(path).decode()
    except UnicodeDecodeError:
        return _mismatch(Kind.CHANGED, path, f"{path} differs (it is not text)")
    except OSError as error:
        return _mismatch(Kind.CHANGED, path, f"{path} differs (how, cannot be read: {error.strerror})")
    if _lines(before) == _lines(after):
        return _mismatch(Kind.COSMETIC, path, f"{path} differs in its line ends only")
    difference = first_difference(before, after)
    kind, what = Kind.CHANGED, ""
    old, new = (_outline(source) if path.endswith(".py") else None for source in (before, after))
    if old and new:
        if old == new:
            kind, what = Kind.COSMETIC, " in layout or comments only"
        else:
            what = _definitions(old.definitions, new.definitions)
    sentence = f"{path} differs{what}: {difference}"
    return _mismatch(kind, path, sentence, "\n".join(difference.control), "\n".join(difference.candidate))


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


@dataclass(frozen=True, slots=True)
class _Outline:
    """A source without its layout: what it says, and what each of its top-level definitions says."""

    whole: str
    definitions: Mapping[str, str]


def _outline(source: str) -> _Outline | None:
    """The outline of `source`, or None where it is no Python or nested too deep to be walked through."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
        definitions = {
            node.name: ast.dump(node)
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        return _Outline(ast.dump(tree), definitions)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _definitions(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Which top-level definitions are gone, new or changed, as the middle of a sentence."""
    parts = []
    for word, names in (
        ("lost", before.keys() - after.keys()),
        ("gained", after.keys() - before.keys()),
        ("changed", {name for name in before.keys() & after.keys() if before[name] != after[name]}),
    ):
        if names:
            listed = sorted(names)
            more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
            parts.append(f"{word} {', '.join(listed[:3])}{more}")
    return f" ({'; '.join(parts)})" if parts else ""


def _mismatch(
    kind: Kind, path: str, sentence: str, control: str | None = None, candidate: str | None = None
) -> Mismatch:
    return Mismatch(
        layer=Layer.FILES, kind=kind, path=path, sentence=sentence, control=control, candidate=candidate
    )
