"""The choice of a model: what `--model` comes to on this machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.gateway.errors import OllamaUnreachable, UnknownModelChoice
from harness.gateway.inquiry import ask_ollama
from harness.gateway.listing import STAND_IN_VERSION
from harness.gateway.local_model.weights import find_weights
from harness.gateway.ollama_address import HostAddress, host_addresses, names_hosts, ollama_url
from harness.gateway.ollama_facts import OllamaFacts, full_name
from harness.gateway.settings import (
    AbsentSettings,
    AnsweringSettings,
    ContinueSettings,
    HostSettings,
    LiveSettings,
    LocalSettings,
    PoolSettings,
    RecordSettings,
    ReplaySettings,
    SimulateSettings,
    UpstreamSettings,
)

__all__ = ["ModelChoice", "choose_model", "ollama_url"]

_CHOICES = (
    "auto, simulated, local, ollama, ollama:URL (or the URL alone; several as URL#SLOTS,URL#SLOTS), "
    "record:FOLDER, record:FOLDER@URL (or @simulated, @local), continue:FOLDER[@URL] (record what FOLDER "
    "does not hold yet) or replay:FOLDER"
)
_SIMULATED = "simulated"
_LOCAL = "local"
_WORKERS = "workers"
_LOCAL_VERSION = f"{STAND_IN_VERSION}{_LOCAL}"
_MOST_LOCAL_SLOTS = 16
_PROBE_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and why, in a sentence for people."""

    kind: Literal["simulated", "ollama", "local", "replay", "workers"]
    url: str | None
    reason: str
    models: tuple[str, ...] = ()
    """The models that are there, by their full names, where they are known."""
    version: str = ""
    """What the Ollama says of itself."""
    cassettes: Path | None = None
    """The folder of cassettes that is replayed or, for the other kinds, recorded into."""
    continues: bool = False
    """Whether what is recorded already answers first."""
    digest: str = ""
    """The digest of the local model's weights."""
    slots: int = 1
    """How many answers the local model works on at once."""
    hosts: tuple[HostSettings, ...] = ()
    """The hosts of a pool; then `url` lists them, each with its slots."""

    def settings(
        self, simulated: SimulateSettings, *, time_scale: float, upstream_timeout_s: float
    ) -> UpstreamSettings:
        """The settings of a gateway before this model: each kind takes what concerns it."""
        if self.kind == _WORKERS:
            return AbsentSettings()
        if self.kind == "replay" and self.cassettes is not None:
            return ReplaySettings(folder=self.cassettes.absolute(), time_scale=time_scale)
        answers: AnsweringSettings = simulated
        if self.kind == "local":
            answers = LocalSettings(slots=self.slots, upstream_timeout_s=upstream_timeout_s)
        if self.hosts:
            answers = PoolSettings(hosts=self.hosts, upstream_timeout_s=upstream_timeout_s)
        elif self.url is not None:
            answers = LiveSettings(url=self.url, upstream_timeout_s=upstream_timeout_s)
        if self.cassettes is None:
            return answers
        kind = ContinueSettings if self.continues else RecordSettings
        return kind(folder=self.cassettes.absolute(), upstream=answers)

    @property
    def text(self) -> str:
        """This choice in the words that `choose_model` takes, so that it comes to the same anywhere else."""
        answers = f"ollama:{self.url}" if self.url else self.kind
        if self.cassettes is None:
            return answers
        folder = self.cassettes.absolute()
        if self.kind == "replay":
            return f"replay:{folder}"
        return f"{'continue' if self.continues else 'record'}:{folder}@{self.url or self.kind}"

    @property
    def deterministic(self) -> bool:
        """Whether the same request always gets the same answer."""
        return self.simulated or self.kind == "replay"

    def recorded_into(self, folder: Path) -> ModelChoice:
        """The same model, what it answers kept in `folder`; itself where it keeps or replays already."""
        return self if self.cassettes else replace(self, cassettes=folder)

    @property
    def continued(self) -> ModelChoice:
        """The same model, what was recorded of it answering first."""
        return replace(self, continues=True)

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
        if self.hosts:
            return any(_may_offer(host, model) for host in self.hosts)
        return full_name(model) in self.models

    def slots_for(self, model: str, slots: int) -> int:
        """How many calls for `model` are answered at once: on all hosts together that may have it.

        `slots` is how many it is where there is one model.
        """
        if not self.hosts:
            return slots
        return sum(host.slots for host in self.hosts if _may_offer(host, model)) or self.slots_in_all(slots)

    def slots_in_all(self, slots: int) -> int:
        """How many calls are answered at once, whatever model they are for; see `slots_for`."""
        return sum(host.slots for host in self.hosts) or slots

    def warnings(self, model: str) -> tuple[str, ...]:
        """What is to be known before `model` is asked for, a sentence each."""
        known = [(host.url, host.facts) for host in self.hosts if host.facts is not None]
        without = (
            f"{url} has no model {model!r} and gets no calls for it; it has "
            f"{', '.join(facts.models) or 'none'}"
            for url, facts in known
            if not facts.offers(model)
        )
        digests = [(url, digest) for url, facts in known if (digest := facts.digest_of(model))]
        if len({digest for _, digest in digests}) < 2:
            return tuple(without)
        listed = ", ".join(f"{digest[:12]} at {url}" for url, digest in digests)
        return (*without, f"model {model!r} has not the same weights on all hosts: {listed}")


def _may_offer(host: HostSettings, model: str) -> bool:
    return host.facts is None or host.facts.offers(model)


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
        case "workers", "" if not colon:
            return ModelChoice("workers", None, "the workers that do the tasks ask models of their own")
        case "local", "" if not colon:
            return await _local(slots)
        case "auto", "" if not colon:
            url = ollama_url(ollama_host)
            try:
                found = await ask_ollama(url, _PROBE_TIMEOUT_S)
            except OllamaUnreachable:
                return ModelChoice(
                    "simulated", None, f"no Ollama answers at {url}: using the simulated model"
                )
            reason = f"{_called(found.version)} answers at {url}"
            return ModelChoice("ollama", url, reason, found.models, found.version)
        case "ollama", _ if bool(address) == bool(colon):
            return await _at(address, ollama_host, slots)
        case "http" | "https", _:
            return await _at(text, ollama_host, slots)
        case "replay", folder if folder:
            return ModelChoice(
                "replay", None, f"the cassettes in {folder} are replayed", cassettes=Path(folder)
            )
        case "record", _ if address:
            return await _recorded(address, ollama_host, slots)
        case "continue", _ if address:
            return (await _recorded(address, ollama_host, slots)).continued
    raise UnknownModelChoice(f"{text!r} is no model choice: say {_CHOICES}")


async def _at(address: str, ollama_host: str | None, slots: int, done: str = "was asked for") -> ModelChoice:
    """The choice for an address or several; `done` says what is done with it."""
    if names_hosts(address):
        return await _pool(host_addresses(address), slots, done)
    url = ollama_url(address or ollama_host)
    found = await ask_ollama(url, _PROBE_TIMEOUT_S)
    reason = f"{_called(found.version)} at {url} {done}"
    return ModelChoice("ollama", url, reason, found.models, found.version)


async def _pool(addresses: tuple[HostAddress, ...], slots: int, done: str) -> ModelChoice:
    """The choice for several hosts; those that do not answer may do so later, but for one at least."""
    facts = await asyncio.gather(*(_facts_of(address.url) for address in addresses))
    known = [found for found in facts if found is not None]
    if not known:
        raise OllamaUnreachable(f"no Ollama answers at {', nor at '.join(each.url for each in addresses)}")
    hosts = tuple(
        HostSettings(url=address.url, slots=address.slots or slots, facts=found)
        for address, found in zip(addresses, facts, strict=True)
    )
    _check_alike(hosts)
    listed = ", ".join(f"{host.url} ({host.slots} slot{'s' if host.slots > 1 else ''})" for host in hosts)
    silent = [host.url for host in hosts if host.facts is None]
    left_out = f"; no Ollama answers at {', nor at '.join(silent)}: left out until one does" if silent else ""
    kind = _called(known[0].version)
    return ModelChoice(
        "ollama",
        ",".join(f"{host.url}#{host.slots}" for host in hosts),
        f"{kind} on {_number_of_hosts(len(hosts))} {done}: {listed}{left_out}",
        tuple(sorted({name for found in known for name in found.models})),
        ", ".join(sorted({found.version for found in known})),
        hosts=hosts,
    )


def _number_of_hosts(count: int) -> str:
    return f"{count} host{'s' if count > 1 else ''}"


async def _facts_of(url: str) -> OllamaFacts | None:
    try:
        return await ask_ollama(url, _PROBE_TIMEOUT_S)
    except OllamaUnreachable:
        return None


def _check_alike(hosts: tuple[HostSettings, ...]) -> None:
    """What one host answers must be what another would: refuse a stand-in beside what it stands in for."""
    kinds = {_called(host.facts.version): host.url for host in hosts if host.facts is not None}
    if len(kinds) > 1:
        told = " and ".join(f"{kind} at {url}" for kind, url in kinds.items())
        raise UnknownModelChoice(f"{told} are not the same model: name hosts of one kind")


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
    found = await _at(address, ollama_host, slots, f"is recorded into {folder}")
    return replace(found, cassettes=Path(folder))


def _called(version: str) -> str:
    if version == _LOCAL_VERSION:
        return "a local model"
    return "a simulated model" if _SIMULATED in version else "an Ollama"
