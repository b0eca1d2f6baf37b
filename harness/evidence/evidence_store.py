"""The evidence that is kept: one file for each piece, so that many processes can add to it at once."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from harness.errors import SurroundingsError
from harness.evidence.evidence import Evidence
from harness.whole_file import write_whole

__all__ = ["EvidenceStore"]


class EvidenceStore:
    """The folder `evidence` of a store."""

    def __init__(self, store: Path) -> None:
        self.folder = store / "evidence"

    def add(self, evidence: Evidence) -> None:
        """Keep `evidence`; `SurroundingsError` where it cannot be written."""
        path = self.folder / f"{evidence.id}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, evidence.model_dump_json(indent=1) + "\n", lasting=True)
        except OSError as error:
            raise SurroundingsError(f"{path}: cannot be written: {error.strerror}") from error

    def all(self) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
        """All evidence, the oldest first, and a sentence for each file that cannot be read."""
        found: list[Evidence] = []
        unreadable: list[str] = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            try:
                evidence = Evidence.model_validate_json(path.read_bytes())
            except OSError as error:
                unreadable.append(f"{path}: cannot be read: {error.strerror}")
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                unreadable.append(f"{path}: is no evidence: {where + ': ' if where else ''}{first['msg']}")
            else:
                if evidence.id == path.stem:
                    found.append(evidence)
                else:
                    unreadable.append(f"{path}: is no evidence: it calls itself {evidence.id}")
        return tuple(found), tuple(unreadable)
