"""How much what differs on a blackboard matters: less where people read it, most where others rely on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare import Severity
from harness.compare.blackboard import compare_blackboards
from harness.compare.normalisation import Normaliser
from harness.record import RunRecord
from tests.compare.records import BOARD, board, make_record

RECORD = make_record(Path("/nowhere"), files={})


def severities(section: str, value: object) -> dict[str, Severity]:
    """Of each mismatch by its path, where the candidate has `value` as that section."""
    theirs = board(**{section: value})
    control, candidate = (
        RunRecord(RECORD.summary, (), (), each, RECORD.folder) for each in (board(), theirs)
    )
    found = compare_blackboards(control, candidate, Normaliser(control, candidate)).mismatches
    return {mismatch.path: mismatch.severity for mismatch in found}


APIS = BOARD["api_registry"]
CART = APIS["Cart"]


@pytest.mark.parametrize(
    ("section", "value", "expected"),
    [
        ("logs", BOARD["logs"][:2], {"logs[warning slow]": Severity.MINOR}),
        ("logs", BOARD["logs"][::-1], {"logs[order]": Severity.MINOR}),
        (
            "agent_reasoning",
            [*BOARD["agent_reasoning"], {"agent": "boss", "module": None, "reasoning": "so"}],
            {"agent_reasoning[boss]": Severity.MINOR},
        ),
        (
            "project_info",
            {**BOARD["project_info"], "status": "failed"},
            {"project_info[status]": Severity.MAJOR},
        ),
        ("api_registry", {"Users": APIS["Users"]}, {"api_registry[Cart]": Severity.BREAKING}),
        ("api_registry", {**APIS, "New": CART}, {"api_registry[New]": Severity.MAJOR}),
        (
            "api_registry",
            {**APIS, "Cart": {**CART, "routes": []}},
            {"api_registry[Cart][routes][GET /cart]": Severity.BREAKING},
        ),
        (
            "api_registry",
            {**APIS, "Cart": {**CART, "functions": [*CART["functions"][1:], {"signature": "add(item)"}]}},
            {
                "api_registry[Cart][functions][add(item: str)]": Severity.BREAKING,
                "api_registry[Cart][functions][add(item)]": Severity.MAJOR,
            },
        ),
        (
            "api_registry",
            {**APIS, "Users": {**APIS["Users"], "functions": [{"signature": "find()"}]}},
            {"api_registry[Users][functions][find()][purpose]": Severity.MAJOR},
        ),
        (
            "api_registry",
            {**APIS, "Cart": {**CART, "notes": "new"}},
            {"api_registry[Cart][notes]": Severity.MAJOR},
        ),
    ],
)
def test_severity(section: str, value: object, expected: dict[str, Severity]) -> None:
    assert severities(section, value) == expected
