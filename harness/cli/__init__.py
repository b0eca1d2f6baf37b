"""The command line. It holds no logic: what a command does, a function of the library does."""

from harness.cli.application import app, main

__all__ = ["app", "main"]
