"""The file of a run's calls to the model, which the gateway adds to as they end."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from harness.errors import BadInputError
from harness.watch.call_view import CallView
from harness.watch.line_file import LineFile

__all__ = ["CallFile"]


class CallFile:
    """The file at `path`, read as it grows. When the run is over, it is replaced by one in another order."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFile(path)
        self._seen: set[int] = set()

    def fresh(self) -> list[CallView]:
        """The calls that ended since the last time. Blocks; `BadInputError` for what is none."""
        return [
            call for number, line in self._lines.fresh() if self._is_new(call := self._read(number, line))
        ]

    def rest(self) -> list[CallView]:
        """The calls not seen yet, when the run is over."""
        self._lines = LineFile(self._lines.path)
        return self.fresh()

    def _is_new(self, call: CallView) -> bool:
        known = call.number in self._seen
        self._seen.add(call.number)
        return not known

    def _read(self, number: int, line: bytes) -> CallView:
        try:
            return CallView.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadInputError(f"{self._lines.path}:{number}: is no call: {first['msg']}") from error
