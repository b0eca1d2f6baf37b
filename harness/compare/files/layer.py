"""The files of two runs: which are missing, renamed, swapped or changed, each with how much it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from harness.compare.files.change import Change
from harness.compare.files.content import change_of
from harness.compare.files.permissions import compare_permissions
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.compare.normalisation import Normaliser
from harness.compare.text import LineDifference, first_difference, shortened
from harness.record import FileFacts, RunRecord

__all__ = ["compare_files"]

_Files = Mapping[str, FileFacts]
_Contents = tuple[bytes, bytes] | str
_MOST_BREAKS = 3
_SEVERITIES = tuple(Severity)


def compare_files(control: RunRecord, candidate: RunRecord, normaliser: Normaliser) -> Iterator[Mismatch]:
    """What differs between the generated files, by path, as `normaliser` of the two lets them be seen."""
    ours, theirs = control.summary.files, candidate.summary.files
    renamed = _renamed(ours, theirs)
    for path in sorted(ours.keys() - theirs.keys()):
        if path not in renamed:
            yield _mismatch(
                Kind.MISSING, path, f"{path} is missing in the candidate", severity=Severity.BREAKING
            )
            continue
        name = renamed[path]
        same = ours[path].sha256 == theirs[name].sha256
        sentence = f"{path} is called {name} in the candidate{'' if same else ', and holds something else'}"
        yield _mismatch(Kind.RENAMED, path, sentence, path, name, Severity.BREAKING)
    for path in sorted(theirs.keys() - ours.keys() - set(renamed.values())):
        yield _mismatch(Kind.EXTRA, path, f"{path} is only in the candidate", severity=Severity.MINOR)
    if control.summary.external is None is candidate.summary.external:
        yield from compare_permissions(ours, theirs)
    changed = {
        path: contents
        for path in sorted(ours.keys() & theirs.keys())
        if ours[path].sha256 != theirs[path].sha256
        and not _is_one(contents := _seen(path, control, candidate, normaliser))
    }
    home = _homes(ours, changed.keys())
    for path, contents in changed.items():
        other = home.get(theirs[path].sha256)
        found = _changed(path, contents)
        if other is None:
            yield found
        elif other in changed and theirs[other].sha256 == ours[path].sha256:
            if path < other:
                sentence = f"{path} and {other} have each other's content"
                severity = max(
                    found.severity, _changed(other, changed[other]).severity, key=_SEVERITIES.index
                )
                yield _mismatch(Kind.SWAPPED, path, sentence, severity=severity)
        else:
            sentence = f"{path} has the content that belongs in {other}"
            yield _mismatch(Kind.CHANGED, path, sentence, severity=found.severity)


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


def _homes(ours: _Files, changed: Set[str]) -> dict[str, str]:
    """Where each content of the control belongs; of files that hold the same, one that was changed."""
    # The last one written stays.
    paths = sorted(ours, key=lambda path: (path in changed, path))
    return {ours[path].sha256: path for path in paths if ours[path].size}


def _seen(path: str, control: RunRecord, candidate: RunRecord, normaliser: Normaliser) -> _Contents:
    """What both hold at `path` but for what the rules put aside; why not, where that cannot be read."""
    try:
        return normaliser.contents(path, control.file(path), candidate.file(path))
    except OSError as error:
        return error.strerror or type(error).__name__


def _is_one(contents: _Contents) -> bool:
    return not isinstance(contents, str) and contents[0] == contents[1]


def _changed(path: str, contents: _Contents) -> Mismatch:
    if isinstance(contents, str):
        return _mismatch(Kind.CHANGED, path, f"{path} differs (how, cannot be read: {contents})")
    try:
        before, after = (content.decode() for content in contents)
    except UnicodeDecodeError:
        return _mismatch(Kind.CHANGED, path, f"{path} differs (it is not text)")
    if _lines(before) == _lines(after):
        return _mismatch(
            Kind.COSMETIC, path, f"{path} differs in its line ends only", severity=Severity.COSMETIC
        )
    change, difference = change_of(path, before, after), first_difference(before, after)
    if not after.strip() and change.severity not in (Severity.COSMETIC, Severity.MINOR):
        sentence = f"{path} is empty in the candidate; the control's has {_counted(before)}"
        return _mismatch(change.kind, path, sentence, before, after, Severity.BREAKING)
    sentence = f"{path} differs{change.how}: {difference}{_elsewhere(difference)}{_broken(change)}"
    control_lines, candidate_lines = "\n".join(difference.control), "\n".join(difference.candidate)
    return _mismatch(change.kind, path, sentence, control_lines, candidate_lines, change.severity)


def _counted(text: str) -> str:
    count = len(_lines(text))
    return f"{count} line{'' if count == 1 else 's'}"


def _elsewhere(difference: LineDifference) -> str:
    """That the place told of is not the only one."""
    places = difference.elsewhere
    return f"; {places} more place{' differs' if places == 1 else 's differ'}" if places else ""


def _broken(change: Change) -> str:
    """What the change breaks, as the end of a sentence."""
    if not change.breaks:
        return ""
    more = len(change.breaks) - _MOST_BREAKS
    told = "; ".join(shortened(clause) for clause in change.breaks[:_MOST_BREAKS])
    return f"; this breaks: {told}{f' and {more} more' if more > 0 else ''}"


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def _mismatch(
    kind: Kind,
    path: str,
    sentence: str,
    control: str | None = None,
    candidate: str | None = None,
    severity: Severity = Severity.MAJOR,
) -> Mismatch:
    return Mismatch(
        layer=Layer.FILES,
        kind=kind,
        path=path,
        sentence=sentence,
        severity=severity,
        control=control,
        candidate=candidate,
    )
