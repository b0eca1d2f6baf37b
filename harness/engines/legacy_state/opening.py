"""The state of a legacy build, opened as its `state_store` says."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from async_arch.composition import StateStoreKind
from harness.engines.legacy_state.legacy_state import LegacyState, OpenLead

__all__ = ["open_legacy_state"]


def open_legacy_state(
    store: StateStoreKind, open_lead: OpenLead, *, url: str, run: str, patience_s: float
) -> AbstractContextManager[LegacyState]:
    """The state of the build `run`; `open_lead` begins the loop's own file.

    `url` and `patience_s`, how long Redis may be away, count where there is a server. Entering it raises
    `StateUnavailable` where none answers.
    """
    # Loaded where they are wanted: the loop as it was needs no Redis client.
    match store:
        case StateStoreKind.JSON:
            return nullcontext(LegacyState(open_lead))
        case StateStoreKind.MIRROR:
            from harness.engines.legacy_state.mirrored_board import open_mirrored_state

            return open_mirrored_state(open_lead, url, run, patience_s)
        case StateStoreKind.REDIS:
            from harness.engines.legacy_state.redis_board import open_redis_board_state

            return open_redis_board_state(url, run, patience_s)
