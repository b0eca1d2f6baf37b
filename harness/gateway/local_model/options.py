"""The options of a request to the local model, with Ollama's names and defaults, in llama.cpp's words."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from harness.gateway.errors import MalformedRequest

__all__ = ["Options", "read_options"]

_RANDOM_SEED = -1
_SEEDS = 2**32


class Options(BaseModel):
    """How an answer is drawn. Options of how a model is loaded (`num_ctx`, `num_gpu`, ...) have no effect."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    temperature: float = 0.8
    seed: int = _RANDOM_SEED
    num_predict: int = -1
    """The most tokens of the answer; as many as the context holds where it is not positive."""
    top_k: int = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_last_n: int = 64
    repeat_penalty: float = 1.1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    stop: str | list[str] = []

    def for_llama(self) -> dict[str, JsonValue]:
        """The same, as llama.cpp's server takes it."""
        told = self.model_dump(exclude={"num_predict", "seed", "stop"})
        return told | {
            "n_predict": self.num_predict if self.num_predict > 0 else -1,
            "seed": self.seed if self.seed == _RANDOM_SEED else self.seed % _SEEDS,
            # What was read for an earlier prompt saves reading it again, and can change the answer. Who gives
            # a seed wants the same answer again.
            "cache_prompt": self.seed == _RANDOM_SEED,
            "stop": [self.stop] if isinstance(self.stop, str) else list(self.stop),
        }


def read_options(given: Mapping[str, JsonValue]) -> Options:
    """The options in a request; raises `MalformedRequest` for a value of another type."""
    try:
        return Options.model_validate(given)
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        raise MalformedRequest(f"option {first['loc'][0]!r}: {first['msg']}") from problem
