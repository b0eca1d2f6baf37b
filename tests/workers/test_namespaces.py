"""Workers on machines of their own, of which one loses its network in mid-run: nothing is twice in effect.

A sample; `benchmarks/test_workers.py` cuts it off again and again in a longer build.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workers.cut_off import compare_with_cuts
from tests.workers.network_spaces import why_none

SHOP = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""
TASKS = 12
PACE = ("--ttft", "0.05", "--tokens-per-second", "10000")


@pytest.mark.timeout(180)
async def test_a_worker_that_is_cut_off_and_comes_back_does_nothing_twice(tmp_path: Path) -> None:
    if (reason := why_none()) is not None:
        pytest.skip(reason)
    spec = tmp_path / "shop.yaml"
    spec.write_text(SHOP)
    found = await compare_with_cuts(spec, tmp_path, *PACE)
    assert found.differences == [], found.said
    # Whatever was begun in vain or not at all, the command says that the two are equal.
    assert found.code == 0, found.comparison["verdict"]
    # What it held was taken from it while it was away, and it is still there at the end.
    assert found.cuts == 1
    assert found.taken >= 1
    assert found.accounts.effects == found.accounts.ends == found.accounts.tasks == TASKS
    assert found.counted["done"] >= TASKS
