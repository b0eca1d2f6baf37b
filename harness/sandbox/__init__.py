"""The sandbox: starts a process that nobody trusts, kept in. It knows nothing of runs."""

from harness.sandbox.job import PROJECT, Ended, Limit, Limits, SandboxJob
from harness.sandbox.sandbox import Sandbox, SandboxUnavailable, find_sandbox

__all__ = [
    "PROJECT",
    "Ended",
    "Limit",
    "Limits",
    "Sandbox",
    "SandboxJob",
    "SandboxUnavailable",
    "find_sandbox",
]
