from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.behaviour import ExecuteSettings
from harness.sandbox import Sandbox
from harness.sandbox.bubblewrap import Bubblewrap
from harness.sandbox.namespaces import Namespaces
from tests.sandbox.having import have_sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    """The sandbox of this machine."""
    return have_sandbox(Bubblewrap, Namespaces)


@pytest.fixture
def settings(tmp_path: Path) -> ExecuteSettings:
    """Impatient settings, with the packages of the environment in which the tests run."""
    return ExecuteSettings(
        environment=Path(sys.prefix), store=tmp_path, startup_s=30.0, request_s=10.0, apart_s=0.0
    )
