"""Never cry wolf: a campaign of comparisons of equal engines, all of which must pass.

    uv run python -m tests.campaigns.equal_engines --count 200 --seed 1

A line for each comparison, then the counts. The exit code is 0 only where every one passed. What did not is
run again with the same seed and `--first` its number: only the latencies, which are drawn anew, will differ.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tests.campaigns.case import Case, draw_case
from tests.campaigns.judging import Judged, judge

__all__ = ["judge_all", "main"]


async def judge_all(cases: Sequence[Case], store: Path, *, jobs: int = 1) -> list[Judged]:
    """Judge `cases`, `jobs` of them at a time; each is printed as it ends."""
    places = asyncio.Semaphore(jobs)

    async def in_place(case: Case) -> Judged:
        async with places:
            judged = await judge(case, store)
        _say(*judged.lines())
        return judged

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(in_place(case)) for case in cases]
    return [task.result() for task in tasks]


def _say_counts(judged: Sequence[Judged]) -> None:
    statuses = Counter(found.status for found in judged)
    failed = [found.case.number for found in judged if not found.passed]
    same = sum(found.case.control.engine == found.case.candidate.engine for found in judged)
    _say(
        "",
        f"{len(judged)} comparisons: {', '.join(f'{n} {status}' for status, n in statuses.most_common())}",
        f"of an engine with itself: {same}; "
        f"with calls that ended in another order: {sum(found.reordered for found in judged)}",
        *([f"not passed: {', '.join(map(str, failed))}"] if failed else []),
    )


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 where every comparison passed, 1 where one did not."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.equal_engines",
        description="Compare equal engines many times; every comparison must pass.",
    )
    parser.add_argument("--count", type=int, default=200, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn from (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, metavar="NUMBER", help="begin with this one")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (default: %(default)s)")
    parser.add_argument("--store", type=Path, help="folder to keep the runs in; without it none are kept")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.jobs < 1:
        parser.error("--count and --jobs must be at least 1")
    cases = [draw_case(options.seed, options.first + place) for place in range(options.count)]
    with nullcontext(options.store) if options.store else tempfile.TemporaryDirectory() as store:
        judged = asyncio.run(judge_all(cases, Path(store), jobs=options.jobs))
    _say_counts(judged)
    return 0 if all(found.passed for found in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
