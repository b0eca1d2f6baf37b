"""The harness's own exceptions. What an engine did wrong is data on its record and never one of these.

Tree::

    Exception
    └── HarnessError           one clear line for a person
        ├── BadInputError      something a person gave cannot be used (exit code 2)
        └── SurroundingsError  the harness cannot do its work here: no model, no Redis (exit code 3)
"""

from __future__ import annotations

__all__ = ["BadInputError", "HarnessError", "SurroundingsError"]


class HarnessError(Exception):
    """Something the harness could not do; the message says what, where, and what would be right."""


class BadInputError(HarnessError):
    """Something a person gave cannot be used."""


class SurroundingsError(HarnessError):
    """What the harness needs around it is missing or broke."""
