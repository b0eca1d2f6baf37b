"""The calls that a gateway serves alone, a line each."""

from __future__ import annotations

import sys
from typing import TextIO

from harness.compare.text import visible
from harness.gateway.calls import CallRecord
from harness.gateway.model import ModelChoice

__all__ = ["GatewayCalls"]


class GatewayCalls:
    """Prints calls as they end: for people, or as JSON; where it listens goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def serving(self, url: str, model: ModelChoice) -> None:
        """Say where the gateway listens."""
        _print(f"{model.reason}\nlistening on {url}: set OLLAMA_HOST={url}", sys.stderr)

    def called(self, call: CallRecord) -> None:
        """Say how a call went."""
        if self._as_json:
            _print(call.model_dump_json(), sys.stdout)
            return
        lane = f"{call.role}{f':{call.module}' if call.module else ''}#{call.attempt}"
        tokens = "" if call.output_tokens is None else f", {call.output_tokens} tokens"
        ended = f": {call.error}" if call.error else ""
        at = f" at {call.host}" if call.host else ""
        waited = f"{call.queued_s:.2f} s queued, {call.generating_s:.2f} s generating"
        _print(visible(f"{call.status} {call.model} {lane}: {waited}{tokens}{at}{ended}"), sys.stdout)
        for reason in call.moved_from:
            _print(visible(f"  asked elsewhere before: {reason}"), sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    stream.write(text + "\n")
    # Whoever reads it through a pipe sees a call when it is over.
    stream.flush()
