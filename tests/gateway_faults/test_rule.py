from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.roles import Role
from harness.gateway.faults import FaultKind, FaultRule, FaultRuleError, parse_fault
from harness.gateway.lane import Lane

_NAMES = st.text(st.characters(exclude_characters=",:", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name == name.strip()
)
_SHARES = st.floats(min_value=0, max_value=1, exclude_min=True)
_FACTORS = st.floats(min_value=1, exclude_min=True, allow_infinity=False)
_COUNTS = st.integers(min_value=1, max_value=10**9)


@st.composite
def rules(draw: st.DrawFn) -> FaultRule:
    kind = draw(st.sampled_from(FaultKind))
    p = draw(st.none() | _SHARES)
    return FaultRule(
        kind=kind,
        factor=draw(_FACTORS) if kind is FaultKind.SLOW else None,
        role=draw(st.none() | st.sampled_from([*(role.value for role in Role), "unknown"])),
        module=draw(st.none() | _NAMES),
        attempt=draw(st.none() | _COUNTS),
        times=draw(st.none() | _COUNTS),
        p=p,
        seed=draw(st.integers(-(10**9), 10**9)) if p is not None else 0,
    )


@given(rules())
def test_a_rule_is_read_back_from_its_text_and_from_its_json(rule: FaultRule) -> None:
    assert parse_fault(rule.text) == rule
    assert str(rule) == rule.text
    assert FaultRule.model_validate_json(rule.model_dump_json()) == rule


@given(st.text() | st.text("role=module,:slowx5012.-p ", max_size=30))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = parse_fault(text)
    except FaultRuleError as problem:
        refused = str(problem)
    else:
        assert parse_fault(str(rule)) == rule
        return
    assert refused.startswith(f"fault rule {text!r}: ")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("500", FaultRule(kind=FaultKind.ERROR)),
        (":500", FaultRule(kind=FaultKind.ERROR)),
        ("503", FaultRule(kind=FaultKind.BUSY)),
        ("hang", FaultRule(kind=FaultKind.HANG)),
        ("cut", FaultRule(kind=FaultKind.CUT)),
        ("garbage", FaultRule(kind=FaultKind.GARBAGE)),
        ("empty", FaultRule(kind=FaultKind.EMPTY)),
        ("slow:5x", FaultRule(kind=FaultKind.SLOW, factor=5)),
        (":slow:2.5x", FaultRule(kind=FaultKind.SLOW, factor=2.5)),
        ("module=slow:500", FaultRule(kind=FaultKind.ERROR, module="slow")),
        (
            "role=developer,module=Cart,attempt=1:500",
            FaultRule(kind=FaultKind.ERROR, role="developer", module="Cart", attempt=1),
        ),
        (
            " p = 0.25 , seed=-7,times=2 : slow : 3x ",
            FaultRule(kind=FaultKind.SLOW, factor=3, p=0.25, seed=-7, times=2),
        ),
    ],
)
def test_a_text_says_a_rule(text: str, rule: FaultRule) -> None:
    assert parse_fault(text) == rule


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (":500", "500"),
        ("module=Cart,role=developer:cut", "role=developer,module=Cart:cut"),
        ("p=0.50,seed=0:hang", "p=0.5:hang"),
        ("slow:5.0x", "slow:5x"),
    ],
)
def test_the_text_of_a_rule_is_canonical(text: str, canonical: str) -> None:
    assert parse_fault(text).text == canonical


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is no kind of fault: end with one of 500, 503, hang, cut, garbage, slow:5x, empty"),
        ("role=developer", "'role=developer' is no kind of fault"),
        ("role=developer:", "'' is no kind of fault"),
        ("501", "'501' is no kind of fault"),
        ("slow", "slow has a factor, and nothing else has one: say slow:5x"),
        ("slow:5", "'5' is no factor: say slow:5x, with any number above 1"),
        ("slow:1x", "'1x' is no factor"),
        ("slow:infx", "'infx' is no factor"),
        ("slow:nanx", "'nanx' is no factor"),
        ("role=developer:slow:fastx", "'fastx' is no factor"),
        (
            "Role=developer:500",
            "there is no condition 'Role': say one of role, module, attempt, times, p, seed",
        ),
        ("developer:500", "'developer' is no condition: say key=value"),
        ("role=developer,:500", "'' is no condition: say key=value"),
        ("role=developer,role=reviewer:500", "role is given twice: give it once"),
        ("role=boss:500", "role=boss is out of place: role is one of analyst, "),
        ("module=:500", "module= is out of place: module is the name of a module"),
        ("module=a:b:500", "module=a:b is out of place: module is the name of a module, without ',' and ':'"),
        ("attempt=0:500", "attempt=0 is out of place: attempt is a whole number from 1"),
        ("attempt=first:500", "attempt=first is out of place"),
        ("times=1.5:500", "times=1.5 is out of place: times is a whole number from 1"),
        ("p=0:500", "p=0 is out of place: p is a number above 0 and up to 1"),
        ("p=1.1:500", "p=1.1 is out of place"),
        ("p=nan:500", "p=nan is out of place"),
        ("p=0.5,seed=x:500", "seed=x is out of place: seed is a whole number"),
        ("seed=3:500", "a seed says nothing without a probability: add p=0.5"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_would_be_right(text: str, reason: str) -> None:
    with pytest.raises(FaultRuleError) as refused:
        parse_fault(text)
    assert str(refused.value).startswith(f"fault rule {text!r}: {reason}")
    assert "\n" not in str(refused.value)


def test_a_rule_cannot_be_built_or_changed_to_what_has_no_text() -> None:
    with pytest.raises(ValidationError):
        FaultRule(kind=FaultKind.ERROR, factor=2)
    with pytest.raises(ValidationError):
        FaultRule(kind=FaultKind.ERROR, module="a,p=0.5")
    with pytest.raises(ValidationError):
        parse_fault("500").role = "developer"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("500", True),
        ("role=developer:500", True),
        ("role=reviewer:500", False),
        ("module=Cart:500", True),
        ("module=cart:500", False),
        ("attempt=2:500", True),
        ("attempt=1:500", False),
        ("role=developer,module=Cart,attempt=2:500", True),
        ("role=developer,module=Stock,attempt=2:500", False),
    ],
)
def test_a_rule_fits_the_lanes_that_meet_all_its_conditions(text: str, fits: bool) -> None:
    assert parse_fault(text).fits(Lane("developer", "Cart", 2)) is fits


def test_a_rule_about_a_module_does_not_fit_a_call_about_the_project() -> None:
    assert not parse_fault("module=Cart:500").fits(Lane("unknown", None, 1))
    assert parse_fault("role=unknown:500").fits(Lane("unknown", None, 1))
