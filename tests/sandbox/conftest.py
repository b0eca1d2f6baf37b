from __future__ import annotations

import pytest

from harness.sandbox import Sandbox
from harness.sandbox.bubblewrap import Bubblewrap
from harness.sandbox.namespaces import Namespaces
from tests.sandbox.having import have_sandbox


@pytest.fixture(params=[Namespaces, Bubblewrap])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Behind each of the walls."""
    return have_sandbox(request.param)
