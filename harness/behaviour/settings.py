"""With what generated applications are executed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.sandbox import Limits

__all__ = ["ExecuteSettings"]


@dataclass(frozen=True, slots=True)
class ExecuteSettings:
    """What a person lets generated applications have, and how long they may take.

    `allow` are requirements (`flask`, `flask==3.1.*`): of those, and of no others, an application gets what
    it names. `environment` is an environment that is there already, and is then given instead, with all that
    is in it. `apart_s` is how long after each other an application is started twice, to tell what it says
    anew each time; under a second, times in whole seconds may look the same.
    """

    allow: tuple[str, ...] = ()
    environment: Path | None = None
    store: Path = Path(".harness")
    startup_s: float = 30.0
    request_s: float = 10.0
    asking_s: float = 120.0
    """For all requests together; what has not been asked then is not compared."""
    tests_s: float = 60.0
    install_s: float = 300.0
    apart_s: float = 1.1
    limits: Limits = field(default_factory=Limits)

    def limits_within(self, wall_s: float) -> Limits:
        """The limits of something that takes at most `wall_s`."""
        return replace(self.limits, wall_s=wall_s)
