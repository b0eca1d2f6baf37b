"""What is looked at of the model: which answers, whether the one asked for is there, and its context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from pydantic import BaseModel, ValidationError

from harness.doctor.finding import Finding, Level
from harness.doctor.prediction import Prediction
from harness.gateway.model import ModelChoice

__all__ = ["Context", "check_context", "check_kind", "check_name", "read_context"]

_TIMEOUT_S = 5.0
_DEFAULT_CONTEXT = 4096
"""What an Ollama gives a model on a small machine where nobody asks for more."""
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Context:
    """How many tokens prompt and answer may have together; None where that is not known."""

    loaded: int | None = None
    """With which the model is loaded now."""
    told: int | None = None
    """Which its own description sets."""
    most: int | None = None
    """Which it was trained for."""


def check_kind(choice: ModelChoice) -> Finding:
    """Which model answers, and of what kind it is."""
    version = f", version {choice.version}" if choice.version else ""
    if choice.simulated:
        return Finding(
            name="model",
            level=Level.WARNING,
            sentence=f"{choice.reason}{version}: what follows says nothing of a real model",
            help="start Ollama (ollama serve), or name one with --model ollama:URL",
        )
    return Finding(name="model", level=Level.OK, sentence=f"{choice.reason}{version}")


def check_name(choice: ModelChoice, name: str, *, spec: str | None) -> Finding:
    """Whether the model called `name`, which `spec` asks for or is the default, is there."""
    asks = f"spec {spec} asks for" if spec else "specs ask for by default"
    if choice.offers(name):
        stand_in = choice.kind != "ollama" or choice.simulated or choice.local
        sentence = f"it answers to every name, and to {name}" if stand_in else f"{name} is there"
        return Finding(name="its name", level=Level.OK, sentence=sentence)
    there = ", ".join(choice.models) or "none"
    return Finding(
        name="its name",
        level=Level.PROBLEM if spec or not choice.models else Level.WARNING,
        sentence=f"{name}, which {asks}, is not there; there is {there}",
        help=f"ollama pull {name}, or name another as 'model:' in the spec",
    )


class _Loaded(BaseModel):
    name: str = ""
    context_length: int = 0


class _Ps(BaseModel):
    models: list[_Loaded] | None = None


class _Show(BaseModel):
    parameters: str = ""
    model_info: dict[str, object] | None = None


async def read_context(url: str, model: str, *, stand_in: bool) -> Context:
    """What the server at `url` says of the context of `model`; nothing where it says nothing.

    A `stand_in` has one model, which answers to every name.
    """
    full = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    try:
        async with aiohttp.ClientSession(
            trust_env=False, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), raise_for_status=True
        ) as session:
            async with session.get(f"{url}/api/ps") as response:
                ps = _Ps.model_validate_json(await response.read())
            async with session.post(f"{url}/api/show", json={"model": model}) as response:
                show = _Show.model_validate_json(await response.read())
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError):
        return Context()
    told = _NUM_CTX.search(show.parameters)
    trained = next(
        (
            v
            for k, v in (show.model_info or {}).items()
            if k.endswith(".context_length") and isinstance(v, int)
        ),
        None,
    )
    loaded = next((each.context_length for each in ps.models or () if stand_in or each.name == full), 0)
    return Context(loaded or None, int(told[1]) if told else None, trained)


def check_context(
    context: Context, options: Mapping[str, object], prediction: Prediction | None, *, stand_in: bool
) -> Finding:
    """Whether prompts and answers fit: what does not is cut off at the front without a word."""
    asked = options.get("num_ctx")
    size = asked if isinstance(asked, int) else context.loaded or context.told
    needed = prediction.longest_call_tokens if prediction else None
    if stand_in and not size:
        return Finding(name="context", level=Level.OK, sentence="a simulated model cuts nothing off")
    supposed = "" if size else " (not told; that is Ollama's default)"
    size = size or _DEFAULT_CONTEXT
    described = f"{size} tokens{supposed}"
    most = f"; the model was made for {context.most}" if context.most else ""
    raise_it = f"set 'options: {{num_ctx: {_enough(needed or 2 * size)}}}' in the spec"
    if needed and needed > size:
        return Finding(
            name="context",
            level=Level.WARNING,
            sentence=f"{described}, and the longest call takes about {needed}: what does not fit is cut off "
            f"without a word{most}",
            help=raise_it,
        )
    if needed is None and size <= _DEFAULT_CONTEXT:
        return Finding(
            name="context",
            level=Level.WARNING,
            sentence=f"{described}: a longer prompt is cut off without a word{most}",
            help=raise_it,
        )
    fits = f", and the longest call takes about {needed}" if needed else ""
    return Finding(name="context", level=Level.OK, sentence=f"{described}{fits}")


def _enough(tokens: int) -> int:
    """The next power of two with some room."""
    return int(2 ** (int(tokens * 1.25) - 1).bit_length())
