"""The small functions by which generated modules check what they are given."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gateway.simulated.offer import Parameter
from harness.gateway.simulated.source.layout import calls
from harness.gateway.simulated.source.manner import Manner, Oversight

__all__ = ["checked", "checks_for"]

_AT_LEAST_ONE = frozenset({"quantity", "seats", "servings"})

_CHECKS = {"str": "_text", "float": "_number", "int": "_whole", "bool": "_flag", "list": "_texts"}


def checked(parameter: Parameter) -> str:
    """The expression that checks `parameter`; what has a type of its own is taken as it is."""
    check = _CHECKS.get(parameter.plain_type)
    if check is None:
        return parameter.name
    least = ", least=1" if check == "_whole" and parameter.name in _AT_LEAST_ONE else ""
    return f'{check}("{parameter.name}", {parameter.name}{least})'


def checks_for(code: str, manner: Manner) -> Iterator[str]:
    """The checks that `code` calls."""
    if calls(code, "_text") or calls(code, "_texts"):
        yield _BLANK_TEXT if manner.oversight is Oversight.BLANK_TEXTS else _TEXT
    if calls(code, "_texts"):
        yield _TEXTS
    if calls(code, "_number"):
        yield _ANY_NUMBER if manner.oversight is Oversight.NEGATIVE_NUMBERS else _NUMBER
    if calls(code, "_whole"):
        yield _WHOLE_FROM if "least=" in code else _WHOLE
    if calls(code, "_flag"):
        yield _FLAG


_TEXT = '''\
def _text(name: str, value: str) -> str:
    """The value without blanks at its ends; ValueError where nothing is left."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a text that is not empty")
    return value.strip()
'''

_BLANK_TEXT = '''\
def _text(name: str, value: str) -> str:
    """The value; ValueError where it is empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty")
    return value
'''

_TEXTS = '''\
def _texts(name: str, value: list) -> list[str]:
    """The value as a list of texts; ValueError where it is none."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    return [_text(name, item) for item in value]
'''

_NUMBER = '''\
def _number(name: str, value: float) -> float:
    """The value as a number that is not negative; ValueError otherwise."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1e12:
        raise ValueError(f"{name} must be a number between 0 and 1e12")
    return float(value)
'''

_ANY_NUMBER = '''\
def _number(name: str, value: float) -> float:
    """The value as a number; ValueError otherwise."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= 1e12:
        raise ValueError(f"{name} must be a number")
    return float(value)
'''

_WHOLE = '''\
def _whole(name: str, value: int) -> int:
    """The value as a whole number that is not negative; ValueError otherwise."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not 0 <= value <= 10**9:
        raise ValueError(f"{name} must be a whole number between 0 and 10**9")
    return value
'''

_WHOLE_FROM = '''\
def _whole(name: str, value: int, least: int = 0) -> int:
    """The value as a whole number that is not too small; ValueError otherwise."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not least <= value <= 10**9:
        raise ValueError(f"{name} must be a whole number between {least} and 10**9")
    return value
'''

_FLAG = '''\
def _flag(name: str, value: bool) -> bool:
    """The value as it is, where it is true or false; ValueError otherwise."""
    if value is not True and value is not False:
        raise ValueError(f"{name} must be true or false")
    return value
'''
