"""The options of `pytest --benchmark`, which exist where the harness's own benchmarks lie beside it.

`benchmarks/conftest.py` does what they say. They are declared here because pytest loads that file too
late: it takes the value of an option that it does not know for a path to run.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

__all__ = ["BASELINE", "OUTPUT", "add_load_test_options", "check_measuring", "with_settings"]

BASELINE, OUTPUT = "--benchmark-baseline", "--benchmark-output"
_ROOT = Path(__file__).parents[2]
_BENCHMARKS = _ROOT / "benchmarks" / "measuring.py"
_MEASURING = "measuring"


def add_load_test_options(parser: pytest.Parser) -> None:
    """Declare them, once; nothing where there are no benchmarks, as in an installed wheel."""
    if not _BENCHMARKS.exists():
        return
    group = parser.getgroup("load tests")
    # Declared already by whoever came first.
    with suppress(ValueError):
        group.addoption(
            "--benchmark",
            action="store_true",
            help="Run benchmarks/ alone, in quick sizes, and judge the ratios",
        )
        group.addoption(
            "--benchmark-full", action="store_true", help="The same in all sizes, which takes long"
        )
        group.addoption(
            BASELINE,
            type=Path,
            metavar="FILE",
            help="A results.json of an earlier run: fail where a ratio is worse by more than noise",
        )
        group.addoption(
            OUTPUT,
            type=Path,
            metavar="DIR",
            help="Where results.json and curves.html go; default: .harness/benchmarks/<time>/",
        )


def with_settings(config: pytest.Config) -> int | None:
    """The exit code of a pytest that is told where its settings are; None where this one found them.

    Before any plugin is asked, pytest looks for its settings above all that exists among its arguments, and
    the files of these options may lie anywhere.
    """
    given = config.getoption(BASELINE, None) or config.getoption(OUTPUT, None)
    if not given or not _asked(config) or config.inipath is not None:
        return None
    told = ["-c", str(_ROOT / "pyproject.toml"), f"--rootdir={_ROOT}"]
    return int(pytest.main([*told, *config.invocation_params.args]))


def check_measuring(config: pytest.Config) -> None:
    """`pytest.UsageError` where measuring is asked for and the benchmarks are not among what is run."""
    if _asked(config) and not config.pluginmanager.has_plugin(_MEASURING):
        raise pytest.UsageError(
            f"--benchmark: no benchmark is among what is to be run; name files of {_BENCHMARKS.parent} or "
            "nothing, at the root of the project"
        )


def _asked(config: pytest.Config) -> bool:
    return bool(config.getoption("benchmark", False) or config.getoption("benchmark_full", False))
