"""The files layer: are the generated files the same bytes?"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import first_difference
from harness.record import RunRecord

__all__ = ["compare_files"]


def compare_files(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the generated files, by path."""
    ours, theirs = control.summary.files, candidate.summary.files
    for path in sorted(ours.keys() - theirs.keys()):
        yield _mismatch(Kind.MISSING, path, f"{path} is missing in the candidate")
    for path in sorted(theirs.keys() - ours.keys()):
        yield _mismatch(Kind.EXTRA, path, f"{path} is only in the candidate")
    changed = {path for path in ours.keys() & theirs.keys() if ours[path].sha256 != theirs[path].sha256}
    owner = {ours[path].sha256: path for path in sorted(changed, reverse=True)}
    for path in sorted(changed):
        other = owner.get(theirs[path].sha256)
        if other is not None and theirs[other].sha256 == ours[path].sha256:
            if path < other:
                yield _mismatch(Kind.SWAPPED, path, f"{path} and {other} have each other's content")
        elif other is not None:
            yield _mismatch(Kind.CHANGED, path, f"{path} has the content that belongs in {other}")
        else:
            yield _changed(path, control.file(path), candidate.file(path))


def _changed(path: str, control: bytes, candidate: bytes) -> Mismatch:
    try:
        before, after = control.decode(), candidate.decode()
    except UnicodeDecodeError:
        return _mismatch(Kind.CHANGED, path, f"{path} differs (it is not text)")
    if before.splitlines() == after.splitlines():
        return _mismatch(Kind.COSMETIC, path, f"{path} differs in its line ends only")
    difference = first_difference(before, after)
    kind, what = Kind.CHANGED, ""
    if path.endswith(".py"):
        old, new = _tree(before), _tree(after)
        if old is not None and new is not None:
            if ast.dump(old) == ast.dump(new):
                kind, what = Kind.COSMETIC, " in layout or comments only"
            else:
                what = _definitions(old, new)
    sentence = f"{path} differs{what}: {difference}"
    return _mismatch(kind, path, sentence, "\n".join(difference.control), "\n".join(difference.candidate))


def _tree(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _definitions(control: ast.Module, candidate: ast.Module) -> str:
    """Which top-level definitions are gone, new or changed, as the middle of a sentence."""
    before, after = _by_name(control), _by_name(candidate)
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


def _by_name(tree: ast.Module) -> dict[str, str]:
    return {
        node.name: ast.dump(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def _mismatch(
    kind: Kind, path: str, sentence: str, control: str | None = None, candidate: str | None = None
) -> Mismatch:
    return Mismatch(
        layer=Layer.FILES, kind=kind, path=path, sentence=sentence, control=control, candidate=candidate
    )
