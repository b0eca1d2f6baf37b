"""Where the legacy loop keeps its state: in its own JSON file, in that with a mirror, or in Redis."""

from harness.engines.legacy_state.legacy_state import Board, LeadingBoard, LegacyState
from harness.engines.legacy_state.opening import open_legacy_state

__all__ = ["Board", "LeadingBoard", "LegacyState", "open_legacy_state"]
