"""What workers are told of a build: all that its tasks need and that is not on its blackboard."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.composition import Generation
from async_arch.state_store import StateUnavailable
from async_arch.workers.settings import ModelHost, ReachedModel

__all__ = ["RunBrief"]


@dataclass(frozen=True, slots=True)
class RunBrief:
    """`model_url` is where the model of this build is reached, `code` the fingerprint of the build's code.

    It is empty where workers have a model of their own.
    """

    order: Order
    model: ModelSettings
    model_url: str
    generation: Generation
    code: str
    hosts: tuple[ModelHost, ...] = ()
    """The hosts behind `model_url`, in the gateway's order; none where it has only one."""
    ahead_s: float = 0.0
    """By how much the clock of the build's process is ahead of that of Redis."""

    @property
    def data(self) -> bytes:
        """What is written to Redis."""
        return _ADAPTER.dump_json(self)

    @classmethod
    def read(cls, data: bytes) -> RunBrief:
        """What `data` in Redis means; `StateUnavailable` where it is no brief."""
        try:
            return _ADAPTER.validate_json(data)
        except ValidationError as error:
            raise StateUnavailable(f"the brief of a build is not readable: {error}") from error

    @property
    def gateway(self) -> ReachedModel | None:
        """The model of the build; None where it leaves that to its workers."""
        return ReachedModel(self.model_url, self.hosts) if self.model_url else None


_ADAPTER = TypeAdapter(RunBrief)
