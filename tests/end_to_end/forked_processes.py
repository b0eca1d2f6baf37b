"""Gateways and engines of sessions in this process as forks of it: real processes with nothing to load.

All else about them is as it is: they are started, told, ended and killed by the code that always does that.
"""

from __future__ import annotations

import asyncio
import gc
import os
import runpy
import signal
import sys
import tempfile
import traceback
import warnings
from asyncio.subprocess import Process
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

__all__ = ["forking"]

_OF_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""The signals that Python ignores as it starts."""

_MODULES = {"harness.engines.worker", "harness.gateway"}

_LOADED = (
    "async_arch.async_calls",
    "async_arch.engine",
    "harness.engines.registry",
    "harness.engines.resources",
    "harness.gateway.opening",
    "harness.gateway.server",
    "harness.gateway.simulate",
    "legacy.factory_boss",
    "legacy.ollama_calls",
)
"""What the processes would load first."""


@contextmanager
def forking() -> Iterator[None]:
    """In the block, this process forks gateways and engines; processes that come from it start theirs."""
    for module in _LOADED:
        import_module(module)
    owner, usual = os.getpid(), asyncio.create_subprocess_exec

    async def start(*command: str, env: Mapping[str, str] | None = None, **options: Any) -> Process:
        if os.getpid() != owner or not _MODULES.intersection(command):
            return await usual(*command, env=env, **options)
        environment = dict(os.environ if env is None else env)
        with warnings.catch_warnings():
            # From Python 3.12 on. No other thread of a test holds what the process needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            return await usual(*command, preexec_fn=lambda: _become(command, environment), **options)

    with patch("asyncio.create_subprocess_exec", start):
        yield


def _become(command: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """Be `command`, an interpreter with `-P -m` and a module, instead of executing it."""
    code = 1
    try:
        # What the test holds is never let go of here: its destructors would close files of the process.
        gc.freeze()
        # Who started it waits until this is closed.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, *_OF_PYTHON}:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        asyncio._set_running_loop(None)
        asyncio.set_event_loop(None)
        _start_anew(command, environment)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _start_anew(command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Have the interpreter as it is when it has just started."""
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    # That of pytest rewrites the tests it loads, and cannot tell the code of a module that is run.
    sys.meta_path[:] = [each for each in sys.meta_path if not type(each).__module__.startswith("_pytest")]
    sys.orig_argv = [*command]
    sys.argv = [*command[command.index("-m") + 1 :]]
    sys.stdin, sys.stdout, sys.stderr = (
        open(place, mode, encoding="utf-8", errors=fail, buffering=lines)  # noqa: PTH123, SIM115
        for place, mode, fail, lines in (
            (0, "r", "strict", -1),
            (1, "w", "strict", -1),
            (2, "w", "backslashreplace", 1),
        )
    )
    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if folder and (customised := Path(folder, "sitecustomize.py")).is_file():
            exec(compile(customised.read_text("utf-8"), customised, "exec"), {"__name__": "sitecustomize"})  # noqa: S102
