"""The mark of tests that need the extra `local-model`: they are skipped where it is not installed."""

from __future__ import annotations

import pytest

from harness.gateway.errors import LocalModelMissing
from harness.gateway.local_model.weights import find_weights

__all__ = ["needs_local_model"]


def _installed() -> bool:
    try:
        find_weights()
    except LocalModelMissing:
        return False
    return True


_SKIPPED = pytest.mark.skipif(not _installed(), reason="needs uv run --extra local-model pytest")

needs_local_model = [pytest.mark.local_model, _SKIPPED]
