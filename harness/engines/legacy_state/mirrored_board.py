"""The legacy loop's own JSON file with a mirror in Redis: the file leads, the loop never waits for Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.blackboard import Entry, ProjectInfo, ProjectStatus
from async_arch.mirror_state import catch_up_s, open_follower
from harness.engines.legacy_state.background import open_in_background
from harness.engines.legacy_state.legacy_state import LeadingBoard, LegacyState, OpenLead

__all__ = ["MirroredBoard", "open_mirrored_state"]


class MirroredBoard:
    """A leading board, of which every saved document is offered to a mirror."""

    def __init__(self, lead: LeadingBoard, offer: Callable[[dict[str, object]], object]) -> None:
        self._lead = lead
        self._offer = offer
        offer(lead.document)

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add `entries` to the leading board, then offer what it has come to."""
        self._lead.add(entries, files)
        self._offer(self._lead.document)

    def finish(self, status: ProjectStatus) -> None:
        """Set the final status."""
        self._lead.finish(status)
        self._offer(self._lead.document)


@contextmanager
def open_mirrored_state(open_lead: OpenLead, url: str, run: str, patience_s: float) -> Iterator[LegacyState]:
    """State in the file that `open_lead` begins, mirrored on the server at `url` under the name `run`.

    Raises `StateUnavailable` where no server answers now; one that goes away later is in the mirror's report.
    """
    with open_in_background(open_follower(url, run)) as (portal, follower):

        def offer(document: dict[str, object]) -> None:
            # In the order of the calls, and without waiting for the loop.
            portal.start_task_soon(follower.offer, document)

        def open_board(path: Path, info: ProjectInfo) -> MirroredBoard:
            return MirroredBoard(open_lead(path, info), offer)

        yield LegacyState(open_board, mirrored=lambda: portal.call(follower.finish, catch_up_s(patience_s)))
