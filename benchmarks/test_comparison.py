"""Comparing two blackboards: the pruned diff beside DeepDiff alone, on the same documents in the same run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import pytest
from deepdiff import DeepDiff

from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.compare.blackboard import compare_blackboards
from harness.compare.normalisation import Normaliser
from harness.compare.pruned_diff import pruned_diff
from tests.compare.records import make_record

SCENARIO = "Comparison"
LEAST_RATIO = {
    "mapping, 1 %": 300.0,
    "mapping, each": 80.0,
    "keyed list, 1 %": 40.0,
    "keyed list, each": 3.0,
}
"""Of DeepDiff's time to that of the pruned diff."""
MOST_GROWTH = 1.6
"""Of the time for each module, from the fewest modules to the most."""
LINES = 100
ROUNDS = 3
PRUNED_IN_ROUND = 5

Document = dict[str, object]
T = TypeVar("T")


def numbered(lines: list[str]) -> object:
    return [{"number": number, "text": line} for number, line in enumerate(lines, start=1)]


SHAPES: Mapping[str, Callable[[list[str]], object]] = {
    "numbered lines": numbered,
    "lines by number": lambda lines: {str(number): line for number, line in enumerate(lines, start=1)},
    "list of lines": lambda lines: lines,
    "one text": "\n".join,
}


def document(modules: int, changed_every: int | None = None, *, shape: str = "numbered lines") -> Document:
    """A blackboard of so many modules, each of 100 lines and 3 kB; in some of them one line is changed."""
    found: dict[str, object] = {}
    for module in range(modules):
        lines = [f"    value_{module}_{line} = found({line})".ljust(30) for line in range(LINES)]
        if changed_every and module % changed_every == 0:
            lines[LINES // 2] = f"    value_{module} = None"
        facts = {"name": f"Module{module}", "filename": f"module_{module}.py", "module_type": "service"}
        found[f"Module{module}"] = {**facts, "code": SHAPES[shape](lines)}
    # Read from its text, as blackboards are: no two documents share a value.
    read: Document = json.loads(json.dumps({"modules": found}))
    return read


def as_list(board: Document, *, backwards: bool) -> Document:
    """`board` with its modules in a list, which is keyed by name, in their order or backwards."""
    modules = board["modules"]
    assert isinstance(modules, dict)
    members = list(modules.values())
    return {"architecture": {"modules": members[::-1] if backwards else members}}


@dataclass(frozen=True)
class Times:
    """Milliseconds of the processor, in rounds in which all take turns; of ours the median of each round."""

    differences: int
    deep_diff: tuple[float, ...]
    pruned: tuple[float, ...]
    layer: tuple[float, ...]
    """The whole layer: what is put aside before, and sentences and severities after."""

    def report(self, results: Results, case: str, x: float | None, at_least: float) -> None:
        speeds = [alone / pruned for alone, pruned in zip(self.deep_diff, self.pruned, strict=True)]
        results.ratio(SCENARIO, case, "pruned diff", speeds, over="DeepDiff's speed", at_least=at_least, x=x)
        figures = {"DeepDiff": self.deep_diff, "pruned": self.pruned, "whole layer": self.layer}
        for what, times in figures.items():
            results.figure(SCENARIO, case, "pruned diff", median(times), f"ms {what}", x=x)
        results.figure(SCENARIO, case, "pruned diff", self.differences, "differences", x=x)


def side_by_side(
    control: Document, candidate: Document, folder: Path, *, ignore_order: bool, rounds: int
) -> Times:
    """The layer also normalises and writes sentences."""
    records = [
        make_record(folder / str(side), files={}, blackboard=board)
        for side, board in enumerate((control, candidate))
    ]
    keys_of = Normaliser(*records).keys_of
    found = pruned_diff(control, candidate, keys_of)
    assert found.incomplete is None
    alone, pruned, layer = [], [], []
    for _ in range(rounds):
        took_ms, expected = timed(lambda: deep_diff(control, candidate, ignore_order))
        assert ignore_order or len(found.differences) == sum(map(len, expected.values()))
        alone.append(took_ms)
        ours = [
            (
                timed(lambda: pruned_diff(control, candidate, keys_of))[0],
                timed(lambda: compare_blackboards(*records, Normaliser(*records)))[0],
            )
            for _ in range(PRUNED_IN_ROUND)
        ]
        pruned.append(median(pruned_ms for pruned_ms, _ in ours))
        layer.append(median(layer_ms for _, layer_ms in ours))
    return Times(len(found.differences), tuple(alone), tuple(pruned), tuple(layer))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many milliseconds of the processor `work` took, and what came of it."""
    began_s = time.process_time()
    result = work()
    return 1000 * (time.process_time() - began_s), result


def deep_diff(control: Document, candidate: Document, ignore_order: bool) -> DeepDiff:
    return DeepDiff(
        control,
        candidate,
        view="tree",
        ignore_order=ignore_order,
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["mapping", "keyed list"])
@pytest.mark.parametrize("changed", ["1 %", "each"])
def test_blackboards(scale: Scale, results: Results, tmp_path: Path, kind: str, changed: str) -> None:
    """Modules by name, or in a list in another order; with a line changed in 1 % of them or in each."""
    sizes, rounds = {
        Scale.ONCE: ((1, 2), 1),
        Scale.QUICK: ((40, 160), 1),
        Scale.FULL: ((250, 500, 1_000, 2_000), ROUNDS),
    }[scale]
    every = 100 if changed == "1 %" else 1
    for_each: list[list[float]] = []
    for modules in sizes:
        control, candidate = document(modules), document(modules, every)
        if kind == "keyed list":
            control, candidate = (
                as_list(board, backwards=bool(side)) for side, board in enumerate((control, candidate))
            )
        times = side_by_side(control, candidate, tmp_path, ignore_order=kind == "keyed list", rounds=rounds)
        case = f"{modules:,} modules in a {kind}, {changed} changed"
        times.report(results, case, modules, LEAST_RATIO[f"{kind}, {changed}"])
        for_each.append([pruned_ms / modules for pruned_ms in times.pruned])
    growth = [many / few for few, many in zip(for_each[0], for_each[-1], strict=True)]
    case = f"each of {sizes[-1]:,} modules in a {kind}, {changed} changed"
    results.ratio(SCENARIO, case, "pruned diff", growth, over=f"each of {sizes[0]}", at_most=MOST_GROWTH)


@pytest.mark.timeout(600)
def test_shapes_of_code(scale: Scale, results: Results, tmp_path: Path) -> None:
    """The same code in other shapes, some of which DeepDiff does not look into line by line."""
    modules, rounds = {Scale.ONCE: (2, 1), Scale.QUICK: (50, 1), Scale.FULL: (1_000, ROUNDS)}[scale]
    for shape in SHAPES:
        for name, every in (("1 %", 100), ("each", 1)):
            pair = document(modules, shape=shape), document(modules, every, shape=shape)
            times = side_by_side(*pair, tmp_path, ignore_order=False, rounds=rounds)
            times.report(results, f"{modules:,} modules, code as {shape}, {name} changed", None, 1.0)
