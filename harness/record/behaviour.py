"""What a generated application did when it was executed in the sandbox: `behaviour.json`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["BehaviourRecord", "RouteAnswer", "TestResult"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RouteAnswer(_Frozen):
    """How the application answered one request."""

    method: str
    path: str
    """As it was asked for, its parameters filled in."""
    status: int | None
    """The HTTP status; None where no answer came."""
    content_type: str | None = None
    location: str | None = None
    """Where it sends whoever asks."""
    body: str = ""
    """The text of the answer, cut where it is long."""
    varies: bool = False
    """Whether it says something else each time that it is started anew, as with a time or a random number."""
    error: str | None = None
    """Why no answer came."""


class TestResult(_Frozen):
    """One of the generated tests."""

    __test__ = False

    name: str
    outcome: str
    """`passed`, `failed`, `error` or `skipped`."""
    reason: str = ""


class BehaviourRecord(_Frozen):
    """What an application did in the sandbox. Durations are seconds."""

    schema_version: int = 1
    sandbox: str
    """What kept it in: `bubblewrap 0.8` or `namespaces`."""
    entry: str | None = None
    """The file that was started; None where there was none."""
    started: bool
    """Whether it answered at all; of a program without routes, whether it could be called."""
    reason: str | None = None
    """Why it did not start, in a sentence; None where it did."""
    startup_s: float | None = None
    routes: tuple[RouteAnswer, ...] = ()
    """In the order in which it was asked."""
    tests: tuple[TestResult, ...] = ()
    tests_reason: str | None = None
    """Why no test was run; None where some were, or there are none."""
    allowed: tuple[str, ...] = ()
    """The requirements that it was given."""
    refused: tuple[str, ...] = ()
    """The requirements that it named and that nobody allowed."""
