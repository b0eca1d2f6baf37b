"""`pytest --benchmark`: the load tests, measured, judged and reported.

pytest loads this module in every run from the root of the project, so what reports and compares is imported
where it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.scale import Scale
from harness.pytest_plugin.load_tests import BASELINE, OUTPUT, add_load_test_options

if TYPE_CHECKING:
    from benchmarks.results import Results

_RESULTS = pytest.StashKey["Results"]()
# The ini-file's bound is for tests. A benchmark that needs more than this says so by a mark of its own.
_TIMEOUT_S = {Scale.QUICK: 600.0, Scale.FULL: 3600.0}


def pytest_addoption(parser: pytest.Parser) -> None:
    add_load_test_options(parser)


def _scale(config: pytest.Config) -> Scale:
    if config.getoption("benchmark_full"):
        return Scale.FULL
    return Scale.QUICK if config.getoption("benchmark") else Scale.ONCE


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Measuring, run the benchmarks alone and in one process, whatever the ini-file has for tests."""
    scale = _scale(config)
    if scale is Scale.ONCE:
        for flag in (BASELINE, OUTPUT):
            if config.getoption(flag):
                raise pytest.UsageError(f"{flag}: only with --benchmark or --benchmark-full")
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(config.rootpath / "benchmarks")]
    option = config.option
    option.numprocesses, option.dist, option.tx = 0, "no", []
    option.benchmark_disable = False
    option.verbose = max(option.verbose, 1)
    if getattr(option, "timeout", None) is None:
        option.timeout = _TIMEOUT_S[scale]
    from benchmarks.measuring import Measuring

    measuring = Measuring(config, scale, config.getoption(BASELINE), config.getoption(OUTPUT))
    config.stash[_RESULTS] = measuring.results
    config.pluginmanager.register(measuring, "measuring")


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> Scale:
    """How much is to be measured."""
    return _scale(pytestconfig)


@pytest.fixture(scope="session")
def results(pytestconfig: pytest.Config) -> Results:
    """Where benchmarks say what they found; in a test that they work, nobody listens."""
    from benchmarks.results import Results

    return pytestconfig.stash.setdefault(_RESULTS, Results())
