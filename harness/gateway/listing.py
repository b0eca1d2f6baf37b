"""What a stand-in for an Ollama says of itself and its models: `version`, `tags`, `ps` and `show`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import JsonValue

from harness.gateway.upstream import OtherCall, Reply

__all__ = ["STAND_IN_VERSION", "ListedModel", "answer_of_list"]

STAND_IN_VERSION = "0.0.0-"
"""How the versions begin that stand-ins give; their kind follows."""
_KEPT_ALIVE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that can be asked for, by its full name; digest and size (bytes) where they are known.

    `details` and `info` say of it what is known beyond its kind, with Ollama's keys.
    """

    name: str
    digest: str = ""
    size: int = 0
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    info: Mapping[str, JsonValue] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ("completion", "embedding")
    context_length: int = 0


async def answer_of_list(
    call: OtherCall, models: Sequence[ListedModel], *, kind: str, now: datetime
) -> Reply:
    """The answer to a request at which no model works, of a stand-in of some `kind`; 404 for all but lists.

    A stand-in that answers to every name has one model, which `show` then describes whatever the name.
    """
    stamp = _stamp(now)
    match call.method, call.target.partition("?")[0]:
        case "GET" | "HEAD", "/api/version":
            return Reply.made(HTTPStatus.OK, {"version": f"{STAND_IN_VERSION}{kind}"})
        case "GET" | "HEAD", "/api/tags":
            listed = [_described(model, kind) | {"modified_at": stamp} for model in models]
            return Reply.made(HTTPStatus.OK, {"models": listed})
        case "GET" | "HEAD", "/api/ps":
            until = _stamp(now + _KEPT_ALIVE)
            listed = [
                _described(model, kind)
                | {"expires_at": until, "size_vram": 0, "context_length": model.context_length}
                for model in models
            ]
            return Reply.made(HTTPStatus.OK, {"models": listed})
        case "POST", "/api/show":
            name = await _name_in(call)
            if not name:
                return Reply.made(HTTPStatus.BAD_REQUEST, {"error": "model is required"})
            if not models:
                return Reply.made(HTTPStatus.NOT_FOUND, {"error": f"model '{name}' not found"})
            return Reply.made(
                HTTPStatus.OK,
                {
                    "modelfile": f"# {kind}",
                    "template": "{{ .Prompt }}",
                    "details": _details(models[0], kind),
                    "model_info": {"general.architecture": kind, **models[0].info},
                    "capabilities": models[0].capabilities,
                    "modified_at": stamp,
                },
            )
        case method, path:
            return Reply.made(HTTPStatus.NOT_FOUND, {"error": f"the {kind} model has no {method} {path}"})


def _described(model: ListedModel, kind: str) -> dict[str, object]:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size,
        "digest": model.digest,
        "details": _details(model, kind),
    }


def _details(model: ListedModel, kind: str) -> dict[str, object]:
    return {
        "parent_model": "",
        "format": kind,
        "family": kind,
        "families": [kind],
        "parameter_size": "",
        "quantization_level": "",
        **model.details,
    }


async def _name_in(call: OtherCall) -> str:
    body = b"".join([chunk async for chunk in call.body]) if call.body is not None else b""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    name = (asked.get("model") or asked.get("name")) if isinstance(asked, dict) else None
    return name if isinstance(name, str) else ""


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
