"""A worker's own model: a gateway in its process, before the hosts that it reaches itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from async_arch.workers.settings import ModelHost, ReachedModel
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.clock import MonotonicClock
from harness.gateway.errors import GatewayStartError
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.model import ModelChoice
from harness.gateway.opening import open_upstream
from harness.gateway.run import Runs
from harness.gateway.server import serving_alone
from harness.gateway.settings import LOOPBACK, SimulateSettings
from harness.surroundings import chosen_model

__all__ = ["own_model"]

_RUN = "worker"
_SILENCE_S = 600.0


@asynccontextmanager
async def own_model(text: str | None, slots: int) -> AsyncIterator[ReachedModel | None]:
    """The model that `text` asks for, in the words of `--model`, reached for as long as the block lasts.

    `slots` is how many calls it answers at once, or each of its hosts that does not say so. Raises
    `BadInputError` and `SurroundingsError`.
    """
    if text is None:
        yield None
        return
    choice = await chosen_model(text, "--model", slots)
    if choice.cassettes is not None or choice.kind == "workers":
        raise BadInputError(f"--model {text}: a worker asks a model; it neither records nor replays")
    settings = choice.settings(SimulateSettings(), time_scale=1.0, upstream_timeout_s=_SILENCE_S)
    clock, outages = MonotonicClock(), OutageLog()
    runs = Runs(clock, outages)
    runs.open(_RUN, choice.slots_in_all(slots), "", lambda call: None)
    try:
        async with (
            open_upstream(settings, (), clock, outages) as upstream,
            serving_alone(upstream, runs, _RUN, LOOPBACK, 0) as port,
        ):
            url = f"http://{LOOPBACK}:{port}"
            yield ReachedModel(url, _hosts(choice, slots), lambda: outages.now_out)
    except GatewayStartError as error:
        raise SurroundingsError(str(error)) from error


def _hosts(choice: ModelChoice, slots: int) -> tuple[ModelHost, ...]:
    """The hosts that others may have tasks on as well; none of a model that is this worker's alone."""
    if choice.hosts:
        return tuple(ModelHost.at(host.url, host.slots) for host in choice.hosts)
    return (ModelHost.at(choice.url, slots),) if choice.url is not None else ()
