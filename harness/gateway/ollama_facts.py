"""What an Ollama says of itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.gateway.listing import STAND_IN_VERSION

__all__ = ["OllamaFacts", "full_name"]


class OllamaFacts(BaseModel):
    """Its version, and the full names of its models."""

    model_config = ConfigDict(frozen=True)

    version: str
    models: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """The digest of the weights of each of them, in the same order."""

    @property
    def stand_in(self) -> bool:
        """Whether it stands in for an Ollama, and answers to the name of every model."""
        return self.version.startswith(STAND_IN_VERSION)

    def offers(self, model: str) -> bool:
        """Whether `model` can be asked for."""
        return self.stand_in or full_name(model) in self.models

    def digest_of(self, model: str) -> str:
        """The digest of the weights behind `model`; nothing where it is not known."""
        return dict(zip(self.models, self.digests, strict=False)).get(full_name(model), "")


def full_name(model: str) -> str:
    """The name of `model` with its tag; without one it means `:latest`, as for Ollama."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
