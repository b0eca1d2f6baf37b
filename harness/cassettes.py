"""Cassettes as people keep them: what is in them, what runs used of them, and what nobody needs any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import BadInputError, SurroundingsError
from harness.gateway.cassette import Cassette, CassetteError, Entry, read_cassette
from harness.gateway.cassette.cassette_file import replace_entries
from harness.record import RunRecord, RunStore

__all__ = [
    "CassetteFacts",
    "EntryFacts",
    "Pruning",
    "cassette_facts",
    "entry_facts",
    "entry_on",
    "find_cassettes",
    "open_cassette",
    "prune",
    "runs_that_replayed",
    "verify",
]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class CassetteFacts(_Facts):
    """A cassette in short."""

    path: str
    entries: int
    requests: int
    """How many different requests it holds."""
    models: tuple[str, ...]
    sources: tuple[str, ...]
    runs: int
    """How many runs were recorded into it."""
    first_at: str
    last_at: str
    """When the first and the last entry were recorded; ISO timestamps, empty where there are none."""
    size: int
    """Bytes."""
    torn: bool
    """Whether its last entry was never finished; the next recording drops it."""


class EntryFacts(_Facts):
    """An entry in short."""

    line: int
    lane: str
    status: int
    whole: bool
    stream: bool
    took_s: float
    """From the slot to the last line of the answer."""
    characters: int
    opening: str
    used: int | None = None
    """How many calls of the runs that were asked for it answered; None where none was asked for."""


class Pruning(_Facts):
    """What pruning took out, or would."""

    path: str
    kept: int
    dropped: tuple[int, ...]
    """Lines, as they were counted before."""


def find_cassettes(paths: Iterable[Path]) -> list[Path]:
    """The cassettes that `paths` name: files, or folders of them; `BadInputError` where there are none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.jsonl"))
            if not inside:
                raise BadInputError(
                    f"{path}: holds no cassette (NAME.jsonl); record one with --model record:{path}"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise BadInputError(f"{path}: there is no such cassette or folder of cassettes")
    return found


def open_cassette(path: Path) -> Cassette:
    """The cassette at `path`; `BadInputError` where it cannot be read."""
    try:
        return read_cassette(path)
    except CassetteError as error:
        raise BadInputError(str(error)) from error


def cassette_facts(cassette: Cassette) -> CassetteFacts:
    """What is in `cassette`."""
    entries = [entry for _, entry in cassette.entries]
    times = sorted(entry.recorded_at for entry in entries)
    return CassetteFacts(
        path=str(cassette.path),
        entries=len(entries),
        requests=len({entry.key for entry in entries}),
        models=tuple(sorted({entry.request.model for entry in entries})),
        sources=tuple(sorted({entry.source for entry in entries})),
        runs=len({entry.run for entry in entries}),
        first_at=times[0] if times else "",
        last_at=times[-1] if times else "",
        size=cassette.size,
        torn=cassette.torn is not None,
    )


def entry_facts(cassette: Cassette, runs: Sequence[RunRecord] = ()) -> tuple[EntryFacts, ...]:
    """The entries of `cassette` in order and, where `runs` are given, how often these used each."""
    used = _used(cassette, runs)
    return tuple(
        EntryFacts(
            line=line,
            lane=str(entry.lane),
            status=entry.status,
            whole=entry.whole,
            stream=entry.stream,
            took_s=entry.pieces[-1].at_s if entry.pieces else 0.0,
            characters=len(entry.answer),
            opening=" ".join(entry.answer[:200].split())[:60],
            used=used[line] if runs else None,
        )
        for line, entry in cassette.entries
    )


def entry_on(cassette: Cassette, line: int) -> Entry:
    """The entry on `line`; `BadInputError` where there is none."""
    for number, entry in cassette.entries:
        if number == line:
            return entry
    raise BadInputError(
        f"{cassette.path}: has no entry on line {line}; it has {len(cassette.entries)} entries"
    )


def verify(path: Path) -> tuple[str, ...]:
    """What is wrong with the cassette at `path`, a sentence each: nothing where it can be replayed whole."""
    try:
        cassette = read_cassette(path)
    except CassetteError as error:
        return (str(error),)
    problems = [
        f"{path}:{line}: {problem}" for line, entry in cassette.entries if (problem := _problem(entry))
    ]
    if cassette.torn is not None:
        problems.append(f"{path}:{cassette.torn}: the entry was never finished; the next recording drops it")
    if not cassette.entries:
        problems.append(f"{path}: holds no entry")
    return tuple(problems)


def runs_that_replayed(store: RunStore, path: Path, wanted: Sequence[str] = ()) -> list[RunRecord]:
    """The stored runs that replayed the cassette at `path`: those `wanted`, else all of them.

    `BadInputError` where a run that is wanted is not there or did not replay this cassette.
    """
    target = path.resolve()
    found = []
    for run in wanted or store.run_ids():
        record = store.load(run)
        model = record.summary.model
        if model.kind == "replay" and model.cassette and Path(model.cassette).resolve() == target:
            found.append(record)
        elif wanted:
            raise BadInputError(f"run {run}: did not replay {path}")
    return found


def prune(cassette: Cassette, runs: Sequence[RunRecord], *, dry_run: bool = False) -> Pruning:
    """Drop the entries that none of `runs` used; the cassette as it was is kept beside it.

    `BadInputError` without runs: nobody having used anything is no reason to drop everything.
    """
    if not runs:
        raise BadInputError(f"{cassette.path}: no stored run replayed it; replay it first, then prune")
    used = _used(cassette, runs)
    kept: list[Entry] = [entry for line, entry in cassette.entries if line in used]
    dropped = tuple(line for line, _ in cassette.entries if line not in used)
    if dropped and not dry_run:
        try:
            replace_entries(cassette, kept)
        except CassetteError as error:
            raise SurroundingsError(str(error)) from error
    return Pruning(path=str(cassette.path), kept=len(kept), dropped=dropped)


def _used(cassette: Cassette, runs: Sequence[RunRecord]) -> Counter[int]:
    """How many calls of `runs` each line answered.

    Reckoned from what was asked, not from the lines on record: those are counted anew by every pruning.
    """
    lines: dict[str, list[int]] = {}
    for line, entry in cassette.entries:
        lines.setdefault(entry.key, []).append(line)
    used: Counter[int] = Counter()
    for run in runs:
        asked = Counter(
            call.request_hash for call in run.calls if call.cassette_line and not call.not_recorded
        )
        for key, count in asked.items():
            recorded = lines.get(key, [])
            used.update(recorded[:count])
            if recorded and count > len(recorded):
                used[recorded[-1]] += count - len(recorded)
    return used


def _problem(entry: Entry) -> str | None:
    """Why an entry cannot be replayed as a whole answer, or None."""
    if not entry.whole:
        return f"the answer to {entry.lane} broke off"
    if entry.status != 200:
        return f"the model answered {entry.lane} with status {entry.status}"
    # Vectors come in one piece, and no word says that they are all.
    if not entry.request.endpoint.embeds and not any(p.rest.get("done") is True for p in entry.pieces):
        return f"the answer to {entry.lane} never says that it is done"
    return None
