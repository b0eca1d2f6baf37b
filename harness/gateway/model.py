"""The choice of a model: what `--model` comes to on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, ValidationError

from harness.gateway.errors import OllamaUnreachable, UnknownModelChoice
from harness.gateway.listing import STAND_IN_VERSION
from harness.gateway.local_model.weights import find_weights
from harness.gateway.settings import (
    LiveSettings,
    LocalSettings,
    RecordSettings,
    ReplaySettings,
    SimulateSettings,
    UpstreamSettings,
)

__all__ = ["ModelChoice", "choose_model", "ollama_url"]

_CHOICES = (
    "auto, simulated, local, ollama, ollama:URL (or the URL alone), record:FOLDER, record:FOLDER@URL (or "
    "@simulated, @local) or replay:FOLDER"
)
_SIMULATED = "simulated"
_LOCAL = "local"
_LOCAL_VERSION = f"{STAND_IN_VERSION}{_LOCAL}"
_MOST_LOCAL_SLOTS = 16
_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OLLAMA_PORT = 11434
_PROBE_TIMEOUT_S = 0.5
_LIST_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and why, in a sentence for people."""

    kind: Literal["simulated", "ollama", "local", "replay"]
    url: str | None
    reason: str
    models: tuple[str, ...] = ()
    """The models that are there, by their full names, where they are known."""
    version: str = ""
    """What the Ollama says of itself."""
    cassettes: Path | None = None
    """The folder of cassettes that is replayed or, for the other kinds, recorded into."""
    digest: str = ""
    """The digest of the local model's weights."""
    slots: int = 1
    """How many answers the local model works on at once."""

    def settings(
        self, simulated: SimulateSettings, *, time_scale: float, upstream_timeout_s: float
    ) -> UpstreamSettings:
        """The settings of a gateway before this model: each kind takes what concerns it."""
        if self.kind == "replay" and self.cassettes is not None:
            return ReplaySettings(folder=self.cassettes.absolute(), time_scale=time_scale)
        answers: LiveSettings | SimulateSettings | LocalSettings = simulated
        if self.kind == "local":
            answers = LocalSettings(slots=self.slots, upstream_timeout_s=upstream_timeout_s)
        if self.url is not None:
            answers = LiveSettings(url=self.url, upstream_timeout_s=upstream_timeout_s)
        if self.cassettes is None:
            return answers
        return RecordSettings(folder=self.cassettes.absolute(), upstream=answers)

    @property
    def text(self) -> str:
        """This choice in the words that `choose_model` takes, so that it comes to the same anywhere else."""
        answers = f"ollama:{self.url}" if self.url else self.kind
        if self.cassettes is None:
            return answers
        folder = self.cassettes.absolute()
        return f"replay:{folder}" if self.kind == "replay" else f"record:{folder}@{self.url or self.kind}"

    @property
    def simulated(self) -> bool:
        """Whether what answers stands in for a model: here, or in another gateway behind the URL."""
        return self.kind == "simulated" or _SIMULATED in self.version

    @property
    def local(self) -> bool:
        """Whether what answers is the local model: here, or in another gateway behind the URL."""
        return self.kind == "local" or self.version == _LOCAL_VERSION

    def offers(self, model: str) -> bool:
        """Whether `model` can be asked for; a name without a tag means `:latest`, as for Ollama."""
        if self.kind != "ollama" or self.simulated or self.local:
            return True
        return (model if ":" in model.rpartition("/")[2] else f"{model}:latest") in self.models


async def choose_model(text: str, *, ollama_host: str | None, slots: int = 1) -> ModelChoice:
    """The model that `text` asks for; `ollama_host` is what `OLLAMA_HOST` says, where it is set.

    `auto` takes the Ollama that answers and else the simulated model. `slots` is how many calls at once will
    be made. Raises `UnknownModelChoice` for any other word, `OllamaUnreachable` where an Ollama that was
    asked for does not answer, and `LocalModelMissing` where the local model is not installed.
    """
    kind, colon, address = text.partition(":")
    match kind, address:
        case "simulated", "" if not colon:
            return ModelChoice("simulated", None, "the simulated model was asked for")
        case "local", "" if not colon:
            return await _local(slots)
        case "auto", "" if not colon:
            url = ollama_url(ollama_host)
            try:
                version, models = await _ollama_at(url)
            except OllamaUnreachable:
                return ModelChoice(
                    "simulated", None, f"no Ollama answers at {url}: using the simulated model"
                )
            return ModelChoice("ollama", url, f"{_called(version)} answers at {url}", models, version)
        case "ollama", _ if bool(address) == bool(colon):
            return await _at(ollama_url(address or ollama_host))
        case "http" | "https", _:
            return await _at(ollama_url(text))
        case "replay", folder if folder:
            return ModelChoice(
                "replay", None, f"the cassettes in {folder} are replayed", cassettes=Path(folder)
            )
        case "record", _ if address:
            return await _recorded(address, ollama_host, slots)
    raise UnknownModelChoice(f"{text!r} is no model choice: say {_CHOICES}")


async def _at(url: str) -> ModelChoice:
    version, models = await _ollama_at(url)
    return ModelChoice("ollama", url, f"{_called(version)} at {url} was asked for", models, version)


async def _local(slots: int) -> ModelChoice:
    if slots > _MOST_LOCAL_SLOTS:
        raise UnknownModelChoice(
            f"the local model works on at most {_MOST_LOCAL_SLOTS} calls at once: {slots} slots are too many"
        )
    weights = find_weights()
    return ModelChoice(
        "local",
        None,
        f"the local model {weights.title} answers: real weights, really generating, here to prove the line; "
        "it does not write good code",
        models=(weights.name,),
        digest=await asyncio.to_thread(lambda: weights.digest),
        slots=slots,
    )


async def _recorded(text: str, ollama_host: str | None, slots: int) -> ModelChoice:
    """The choice for `FOLDER[@URL]`; instead of a URL the simulated or the local model can be named."""
    folder, at, address = text.rpartition("@")
    if not at:
        folder, address = text, ""
    if not folder or (at and not address):
        raise UnknownModelChoice(f"'record:{text}' names no folder and address: say record:FOLDER@URL")
    if address == _SIMULATED:
        reason = f"the simulated model is recorded into {folder}"
        return ModelChoice("simulated", None, reason, cassettes=Path(folder))
    if address == _LOCAL:
        local = await _local(slots)
        reason = f"{local.reason}; it is recorded into {folder}"
        return replace(local, reason=reason, cassettes=Path(folder))
    url = ollama_url(address or ollama_host)
    version, models = await _ollama_at(url)
    reason = f"{_called(version)} at {url} is recorded into {folder}"
    return ModelChoice("ollama", url, reason, models, version, cassettes=Path(folder))


def ollama_url(host: str | None) -> str:
    """The URL that a value of `OLLAMA_HOST` means, read as Ollama's own clients read it.

    An address that means every interface to a server means this machine to a client.
    """
    scheme, separator, rest = (host or "").strip().partition("://")
    if not separator:
        scheme, rest = "http", scheme
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        named, port = parts.hostname or _DEFAULT_HOST, parts.port
    except ValueError as problem:
        raise UnknownModelChoice(f"{host!r} is no address of an Ollama: {problem}") from problem
    if scheme not in _DEFAULT_PORTS:
        raise UnknownModelChoice(f"{host!r} is no address of an Ollama: it is reached by http or https")
    if port is None:
        port = _DEFAULT_PORTS[scheme] if separator else _OLLAMA_PORT
    path = parts.path.strip("/")
    return f"{scheme}://{_host(named)}:{port}" + (f"/{path}" if path else "")


def _host(name: str) -> str:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    if address.is_unspecified:
        return _DEFAULT_HOST if address.version == 4 else "[::1]"
    return f"[{address}]" if address.version == 6 else str(address)


class _Version(BaseModel):
    version: str


class _Model(BaseModel):
    name: str


class _Tags(BaseModel):
    models: list[_Model] | None


def _called(version: str) -> str:
    if version == _LOCAL_VERSION:
        return "a local model"
    return "a simulated model" if _SIMULATED in version else "an Ollama"


async def _ollama_at(url: str) -> tuple[str, tuple[str, ...]]:
    """The version of the Ollama at `url`, and the names of its models."""
    try:
        async with aiohttp.ClientSession(trust_env=False) as session:
            told = await _get(session, f"{url}/api/version", _PROBE_TIMEOUT_S)
            version = _Version.model_validate_json(told).version
            tags = _Tags.model_validate_json(await _get(session, f"{url}/api/tags", _LIST_TIMEOUT_S))
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as problem:
        raise OllamaUnreachable(f"no Ollama answers at {url}") from problem
    return version, tuple(model.name for model in tags.models or ())


async def _get(session: aiohttp.ClientSession, url: str, timeout_s: float) -> bytes:
    async with session.get(
        url, timeout=aiohttp.ClientTimeout(total=timeout_s), raise_for_status=True
    ) as response:
        return await response.read()
