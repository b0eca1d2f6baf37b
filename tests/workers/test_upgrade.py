"""An upgrade from its start to its end: two versions of the code side by side, each with workers and builds.

Each version is a tree of its own, and every worker and build a process that runs from there, as a user's do.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from async_arch.template_folder import TEMPLATES
from harness.record import FileFacts, RunStore
from tests.crashes.server import restartable_server
from tests.end_to_end.harness_process import FAST, STEADY, HarnessProcess, installed_harness
from tests.workers.test_processes import SHOP, serve_async

ROOT = Path(__file__).parents[2]
PACKAGES = ("agents", "async_arch", "harness", "legacy")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the code, installed in `tree`; its processes start in `folder`."""

    tree: Path
    folder: Path
    redis_url: str

    @contextmanager
    def started(self, *arguments: str) -> Iterator[HarnessProcess]:
        """`harness` of this version."""
        with ExitStack() as stack:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PYTHONPATH", str(self.tree))
                process = stack.enter_context(installed_harness(self.folder, *arguments))
            yield process

    @contextmanager
    def worker(self) -> Iterator[tuple[HarnessProcess, str]]:
        """A worker that is ready, and the beginning of the code that it serves."""
        with self.started("worker", "--redis", self.redis_url) as worker:
            worker.wait_for("tasks at once from", timeout_s=60.0)
            yield worker, worker.errors.partition("queue:default:")[2][:12]

    def build(self, spec: str, *more: str) -> AbstractContextManager[HarnessProcess]:
        """A build that waits two seconds for workers where there are none."""
        given = ("--workers", "--workers-wait", "2", "--redis", self.redis_url)
        return self.started("build", spec, *given, "--model", "simulated", "--sample", "0", *more)


@contextmanager
def versions(folder: Path) -> Iterator[tuple[Version, Version]]:
    """The version before the upgrade and the one after it, on one Redis; they differ in a comment."""
    with restartable_server() as server:
        found = []
        for name in ("before", "after"):
            tree, folder_of_builds = folder / "versions" / name, folder / name
            for package in PACKAGES:
                shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copytree(TEMPLATES, tree / "templates")
            folder_of_builds.mkdir()
            (folder_of_builds / "shop.yaml").write_text(SHOP)
            serve_async(folder_of_builds / "flags.json")
            found.append(Version(tree, folder_of_builds, server.url))
        before, after = found
        with (after.tree / "async_arch" / "timestamps.py").open("a") as changed:
            changed.write("# A new version.\n")
        yield before, after


@pytest.mark.timeout(240)
def test_an_upgrade_loses_no_build(tmp_path: Path) -> None:
    """The last worker of the old version ends before its build: that says who is there, and is resumed."""
    with versions(tmp_path) as (before, after):
        with before.worker() as (old, old_code), after.worker() as (new, new_code):
            assert old_code != new_code
            with before.build("shop.yaml", *STEADY) as begun:
                begun.wait_for("architect:Orders done", timeout_s=60.0)
                old.process.send_signal(signal.SIGTERM)
                assert old.finish() == 0
                assert begun.finish() != 0
            assert f"no worker of code {old_code} serves queue default" in begun.errors
            assert f"workers there: 1 of code {new_code} at queue default; waited for 2 s" in begun.errors
            with after.build("shop.yaml", *FAST) as build:
                assert build.finish() == 0, build.errors
            new.process.send_signal(signal.SIGTERM)
            assert new.finish() == 0
        with before.worker(), before.started("resume") as resumed:
            assert resumed.finish() == 0, resumed.errors
    (one,), (other,) = (_left(version) for version in (before, after))
    assert one == other
    assert {"main.py", "users.py", "orders.py"} <= one.keys()


def _left(version: Version) -> list[Mapping[str, FileFacts]]:
    """The files of each build of a version."""
    store = RunStore(version.folder / ".harness")
    return [store.load(run).summary.files for run in store.run_ids()]
