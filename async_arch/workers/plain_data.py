"""What docket may put into Redis and take out of it: plain values as JSON.

Docket pickles arguments, results and the values of strikes, and to unpickle what lies in Redis is to run the
code of whoever can write there. So every place of docket that pickles is given a codec of ours instead, which
refuses what is not plain, both ways.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Final

import docket.execution
import docket.strikelist
import docket.worker

__all__ = ["NotPlain", "confine", "dumps", "loads"]


class NotPlain(ValueError):
    """A value that is no plain data was to be written to Redis, or was found there."""


def dumps(value: object) -> bytes:
    """`value` as JSON; `NotPlain` unless it is None, bool, int, float, str, or lists or mappings of these.

    Tuples come back as lists.
    """
    try:
        _require_plain(value)
        return json.dumps(value, ensure_ascii=True, allow_nan=False).encode()
    except NotPlain:
        raise
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"a {type(value).__name__} cannot be written as JSON: {error}") from error


def loads(data: bytes | str) -> object:
    """The value that `data` is the JSON of; `NotPlain` where it is no JSON, as a pickled object is none."""
    try:
        return json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"what lies in Redis is no plain data: {bytes(_raw(data))[:40]!r}") from error


def confine() -> None:
    """Let docket read and write plain data only, in this process; done before a docket is opened."""
    for module in _PICKLING:
        # What they imported under this name is the module `cloudpickle`.
        module.cloudpickle = _CODEC  # type: ignore[attr-defined]


_PICKLING: Final = (docket.execution, docket.strikelist, docket.worker)
_CODEC: Final = ModuleType("plain_data")
_CODEC.dumps = dumps  # type: ignore[attr-defined]
_CODEC.loads = loads  # type: ignore[attr-defined]


def _require_plain(value: object) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            if not isinstance(name, str):
                raise NotPlain(f"a name must be a str, not {type(name).__name__}")
            _require_plain(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _require_plain(each)
    # Exactly these: a subclass may bring code of its own.
    elif type(value) not in (type(None), bool, int, float, str):
        raise NotPlain(f"a {type(value).__name__} is no plain data")


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _raw(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data
