"""The shadow queue: every job is done once, by one process, and survives whoever dies over it."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from harness.builds import ShadowJob, ShadowQueue
from harness.errors import SurroundingsError
from harness.evidence import EvidenceKind


def job(run: str) -> ShadowJob:
    return ShadowJob(run=run, engine="async", kind=EvidenceKind.SHADOW, model="simulated")


@pytest.fixture
def queue(tmp_path: Path) -> ShadowQueue:
    return ShadowQueue(tmp_path)


def test_an_empty_queue_has_no_next_job(queue: ShadowQueue) -> None:
    assert queue.waiting() == ()
    with queue.next_job() as found:
        assert found is None


def test_the_newest_job_is_done_first_and_each_is_gone_then(queue: ShadowQueue) -> None:
    for run in ("2030-2", "2030-1"):
        queue.add(job(run))
    done = []
    for _ in range(3):
        with queue.next_job() as found:
            done.append(found and found.run)
    assert done == ["2030-2", "2030-1", None]
    assert queue.waiting() == ()


def test_a_job_that_somebody_works_on_is_not_given_to_another(queue: ShadowQueue) -> None:
    for run in ("1", "2"):
        queue.add(job(run))
    with queue.next_job() as first, queue.next_job() as second, queue.next_job() as third:
        assert [found and found.run for found in (first, second, third)] == ["2", "1", None]
        assert len(queue.waiting()) == 2


def test_what_was_not_brought_to_its_end_waits_on_and_is_counted(queue: ShadowQueue) -> None:
    queue.add(job("1"))
    with suppress(RuntimeError), queue.next_job() as found:
        assert found is not None
        queue.begun(found)
        raise RuntimeError
    with queue.next_job() as again:
        assert again is not None
        assert (again.run, again.attempts) == ("1", 1)


def test_a_damaged_job_stops_nobody_and_stays(queue: ShadowQueue) -> None:
    queue.add(job("2"))
    (queue.folder / "1.json").write_text("{")
    with queue.next_job() as found:
        assert found is not None
        assert found.run == "2"
    assert (queue.folder / "1.json").exists()


def test_many_at_once_do_each_job_once(queue: ShadowQueue) -> None:
    for number in range(40):
        queue.add(job(f"{number:02}"))
    done: list[str] = []

    def work() -> None:
        while True:
            with queue.next_job() as found:
                if found is None:
                    return
                done.append(found.run)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [f"{number:02}" for number in range(40)]


def test_a_queue_that_cannot_be_written_is_named(queue: ShadowQueue) -> None:
    queue.folder.write_text("a file")
    with pytest.raises(SurroundingsError, match="shadow: cannot be written"):
        queue.add(job("1"))
