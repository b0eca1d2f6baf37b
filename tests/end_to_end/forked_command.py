"""The command line in a fork of the test's process: a process like any other, which has nothing to load."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from harness.cli.application import main

__all__ = ["ForkedCommand"]

_OF_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""The signals that Python ignores as it starts."""

_LOADED_LATE = (
    "harness.behaviour",
    "harness.cli.comparing",
    "harness.compare",
    "harness.gates",
    "harness.project_file",
    "harness.report.html",
    "harness.report.report_files",
)
"""What commands load as they come to it."""


class ForkedCommand:
    """`harness` with `arguments` in `folder`: as much of a `subprocess.Popen` as tests use.

    It leads a session of its own, reads nothing, and can be signalled and killed.
    """

    def __init__(self, folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.args = ["harness", *arguments]
        self.returncode: int | None = None
        for module in ("harness.cli." + arguments[0], *_LOADED_LATE):
            import_module(module)
        out, out_end = os.pipe()
        errors, errors_end = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # From Python 3.12 on. No other thread of a test holds what the command needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            _become(folder, self.args, environment, out_end, errors_end)
        os.close(out_end)
        os.close(errors_end)
        self.stdout = open(out, encoding="utf-8")  # noqa: PTH123, SIM115 (closed by whoever reads)
        self.stderr = open(errors, encoding="utf-8")  # noqa: PTH123, SIM115 (closed by whoever reads)
        self._reaper = threading.Thread(target=self._reap, daemon=True)
        self._reaper.start()

    def wait(self, timeout: float) -> int:
        """The exit code, negative for a signal; `subprocess.TimeoutExpired` after `timeout` seconds."""
        self._reaper.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _become(
    folder: Path, arguments: list[str], environment: Mapping[str, str], out: int, errors: int
) -> NoReturn:
    """Be the command from here on, and end with its exit code."""
    code = 1
    try:
        # What the test holds is never let go of here: its destructors would close files of the command.
        gc.freeze()
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, place in ((nothing, 0), (out, 1), (errors, 2)):
            os.dup2(descriptor, place)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, *_OF_PYTHON}:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        sys.argv = arguments
        sys.stdin, sys.stdout, sys.stderr = (
            open(place, mode, encoding="utf-8", errors=fail, buffering=lines)  # noqa: PTH123, SIM115
            for place, mode, fail, lines in (
                (0, "r", "strict", -1),
                (1, "w", "strict", -1),
                (2, "w", "backslashreplace", 1),
            )
        )
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
