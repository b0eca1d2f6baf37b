"""The gateway served alone, before a model that a person names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.errors import BadInputError, SurroundingsError
from harness.gateway.calls import CallRecord
from harness.gateway.cassette import CassetteError, cassette_path
from harness.gateway.errors import GatewayStartError
from harness.gateway.listening_address import parse_address
from harness.gateway.model import ModelChoice
from harness.gateway.settings import SimulateSettings
from harness.gateway.standalone import serve_alone
from harness.surroundings import chosen_model, fault_rules

__all__ = ["GatewayWatcher", "serve_model"]


class GatewayWatcher(Protocol):
    """Someone who is told what a gateway does."""

    def serving(self, url: str, model: ModelChoice) -> None:
        """It listens at `url` and `model` answers."""

    def called(self, call: CallRecord) -> None:
        """A call is over."""


async def serve_model(
    model: str,
    listen: str,
    *,
    slots: int,
    cassette: str,
    faults: Sequence[str],
    simulated: SimulateSettings,
    time_scale: float,
    upstream_timeout_s: float,
    watcher: GatewayWatcher,
) -> None:
    """Serve the Ollama API at `listen` (`HOST:PORT`) until cancelled.

    `model` is what `compare --model` takes; `cassette` names the one that is recorded or replayed;
    `faults` are rules. Raises `BadInputError` and `SurroundingsError`.
    """
    try:
        address = parse_address(listen)
    except ValueError as error:
        raise BadInputError(f"--listen: {error}") from error
    rules = fault_rules(faults)
    chosen = await chosen_model(model, "--upstream", slots)
    if chosen.cassettes is not None:
        try:
            path = cassette_path(chosen.cassettes, cassette)
        except CassetteError as error:
            raise BadInputError(f"--cassette: {error}") from error
        if chosen.kind == "replay" and not path.is_file():
            raise BadInputError(f"--cassette: there is no {path}; say which of that folder is to be replayed")
    settings = chosen.settings(simulated, time_scale=time_scale, upstream_timeout_s=upstream_timeout_s)
    try:
        await serve_alone(
            settings,
            address,
            faults=rules,
            slots=chosen.slots_in_all(slots),
            cassette=cassette,
            on_ready=lambda url: watcher.serving(url, chosen),
            on_record=watcher.called,
        )
    except GatewayStartError as error:
        raise SurroundingsError(str(error)) from error
