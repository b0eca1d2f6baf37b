"""What all tests share: property tests draw the same examples in every run.

`--hypothesis-profile explore` draws new ones, for whoever looks for what is not found yet.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")
