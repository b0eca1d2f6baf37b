"""Attempts that failed in passing and were made again: they are left out.

That a connection broke is the model's doing; what the engine made of it is among the comparison's notes.
"""

from __future__ import annotations

import json

from harness.compare.normalisation.rule import RetriedAttemptRule

__all__ = ["without_retried"]


def without_retried(board: dict[str, object], rule: RetriedAttemptRule) -> tuple[dict[str, object], int]:
    """`board` without them, and how many there were."""
    attempts = board.get(rule.section)
    if not isinstance(attempts, list):
        return board, 0
    failed = [isinstance(attempt, dict) and attempt.get("status") == rule.status for attempt in attempts]
    if not any(failed):
        return board, 0
    left_out: set[int] = set()
    rows: dict[str, list[int]] = {}
    for place, attempt in enumerate(attempts):
        if not isinstance(attempt, dict):
            continue
        lane = json.dumps([attempt.get(key) for key in rule.keys], sort_keys=True)
        row = rows.setdefault(lane, [])
        if failed[place]:
            row.append(place)
        else:
            _leave_out(row, rule, left_out)
            rows[lane] = []
    for row in rows.values():
        # Nothing came after the last.
        _leave_out(row[:-1], rule, left_out)
    if not left_out:
        return board, 0
    kept = [attempt for place, attempt in enumerate(attempts) if place not in left_out]
    return {**board, rule.section: kept}, len(left_out)


def _leave_out(row: list[int], rule: RetriedAttemptRule, left_out: set[int]) -> None:
    if len(row) <= rule.most_in_a_row:
        left_out.update(row)
