"""The pytest plugin: comparisons among the tests, with `--harness-spec` and the fixture `compare`.

pytest loads this module in every run of everyone who has the harness installed, so it imports nothing but
pytest; what compares is imported where a comparison is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.load_tests import add_load_test_options, check_measuring, with_settings
from harness.pytest_plugin.options import NO_SPEC, GivenSpec, add_options, given_specs

if TYPE_CHECKING:
    from harness.pytest_plugin.comparing import Compare
    from harness.spec import Spec

_GIVEN = pytest.StashKey[list[GivenSpec]]()
_CHOSEN = "_harness_chosen"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)
    add_load_test_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    return with_settings(config)


def pytest_configure(config: pytest.Config) -> None:
    check_measuring(config)
    # Before anything is collected: a bad spec is no failure of a test.
    config.stash[_GIVEN] = given_specs(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.stash[_GIVEN]
    if given and _CHOSEN in metafunc.fixturenames:
        specs = [one.spec for one in given]
        metafunc.parametrize(_CHOSEN, specs, ids=[spec.name for spec in specs], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Where specs are given and no test asks for them, each is a test of its own."""
    given = config.stash[_GIVEN]
    if given and not any(_CHOSEN in getattr(item, "fixturenames", ()) for item in items):
        from harness.pytest_plugin.item import items_of

        items += items_of(session, given)


@pytest.fixture
def _harness_chosen(request: pytest.FixtureRequest) -> Spec | None:
    """The spec that the test is run with; None where none was given."""
    spec: Spec | None = getattr(request, "param", None)
    return spec


@pytest.fixture
def harness_spec(_harness_chosen: Spec | None) -> Spec:
    """Each spec that --harness-spec gives, one after another; without one the test is skipped."""
    if _harness_chosen is None:
        pytest.skip(NO_SPEC)
    return _harness_chosen


@pytest.fixture
def compare(request: pytest.FixtureRequest, _harness_chosen: Spec | None) -> Compare:
    """What runs control and candidate on a spec and compares them: `compare(candidate="phase:2")`."""
    from harness.pytest_plugin.comparing import Compare

    return Compare(request.node, _harness_chosen)
