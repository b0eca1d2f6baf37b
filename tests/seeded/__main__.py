"""Tries every seeded fault and prints how it was found, `uv run python -m tests.seeded [WORDS]`."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import pytest

from tests.seeded.bench import Finding, open_bench
from tests.seeded.catalogue import FAULTS
from tests.seeded.fault import Fault


async def _tried(faults: list[Fault]) -> list[tuple[Fault, Finding]]:
    found = []
    with tempfile.TemporaryDirectory() as store:
        async with open_bench(Path(store)) as bench:
            for fault in faults:
                with pytest.MonkeyPatch.context() as patch:
                    found.append((fault, await bench.try_out(fault, patch, Path(store))))
                    _print(*found[-1])
    return found


def _print(fault: Fault, finding: Finding) -> None:
    layer = finding.layer or "expectation"
    mark = "caught" if finding.fits(fault) else "MISSED"
    print(f"{mark}  {fault.name}: {finding.status} {layer}, {finding.blamed}: {finding.reason}", flush=True)  # noqa: T201


def main(words: list[str]) -> int:
    """Try the faults whose names hold one of `words`, or all of them."""
    logging.disable(logging.CRITICAL)
    faults = [fault for fault in FAULTS.values() if not words or any(word in fault.name for word in words)]
    found = asyncio.run(_tried(faults))
    missed = [fault.name for fault, finding in found if not finding.fits(fault)]
    print(f"caught {len(found) - len(missed)} of {len(found)} seeded faults")  # noqa: T201
    for name in missed:
        print(f"not caught: {name}: {FAULTS[name].missed or 'to be looked into'}")  # noqa: T201
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
