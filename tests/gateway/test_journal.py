"""The journal of a run: what is over is in it, however the gateway ended; who opens it again goes on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from harness.gateway import journal as module
from harness.gateway.calls import CallRecord
from harness.gateway.errors import Refusal
from harness.gateway.journal import CallJournal, read_journal
from tests.compare.records import make_call


def call(number: int, end_s: float = 1.0, **parts: object) -> CallRecord:
    return make_call(number=number, end_s=end_s, **parts)  # type: ignore[arg-type]


async def written(path: Path, *calls: CallRecord) -> None:
    journal = CallJournal.open(path)
    for made in calls:
        journal.append(made)
    await journal.close()


async def test_calls_come_back_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    """They end in another order, and their texts hold all that may be taken for the end of a line."""
    calls = [call(2, response="a\nb\u2028c\x85"), call(1, 5.0, content="\r\n"), call(3)]
    await written(tmp_path / "calls.jsonl", *calls)
    assert list(read_journal(tmp_path / "calls.jsonl")) == [calls[1], calls[0], calls[2]]


def test_a_journal_that_was_never_opened_holds_no_call(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "calls.jsonl") == ()


async def test_who_opens_it_again_goes_on_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    await written(path, call(2, 9.0), call(1, 7.5, error="cut"))
    journal = CallJournal.open(path)
    assert (journal.count, journal.failed, journal.last_number, journal.last_s) == (2, 1, 2, 9.0)
    journal.append(call(3, 10.0))
    await journal.close()
    assert [made.number for made in read_journal(path)] == [1, 2, 3]


async def test_a_line_that_was_never_finished_is_dropped_and_nothing_is_joined_to_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    await written(path, call(1), call(2))
    whole = path.read_bytes()
    for size in range(len(call(1).model_dump_json()) + 2, len(whole), 97):
        path.write_bytes(whole[:size])
        assert [made.number for made in read_journal(path)] == [1]
        await written(path, call(2, response="anew"))
        assert [made.response for made in read_journal(path)] == ["Done.", "anew"]


async def test_a_call_is_there_before_the_journal_is_closed(tmp_path: Path) -> None:
    """Whoever is killed closes nothing."""
    journal = CallJournal.open(tmp_path / "calls.jsonl")
    journal.append(call(1))
    async with asyncio.timeout(10):
        while not read_journal(tmp_path / "calls.jsonl"):  # noqa: ASYNC110 - a file tells when it is read
            await asyncio.sleep(0.001)
    await journal.close()


async def test_one_at_a_time_has_it_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOCK_TIMEOUT_S", 0.1)
    path = tmp_path / "calls.jsonl"
    journal = CallJournal.open(path)
    with pytest.raises(Refusal, match="is being written by another process") as refused:
        await asyncio.to_thread(CallJournal.open, path)
    assert refused.value.status == 409
    await journal.close()
    await written(path, call(1))


async def test_who_comes_while_a_gateway_goes_waits_for_its_last_calls(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    going = CallJournal.open(path)
    coming = asyncio.create_task(asyncio.to_thread(CallJournal.open, path))
    await asyncio.sleep(0.05)
    going.append(call(7))
    await going.close()
    journal = await coming
    assert journal.last_number == 7
    await journal.close()


async def test_what_is_no_call_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    await written(path, call(1))
    path.write_bytes(path.read_bytes() + b'{"number": 2}\n')
    for read in (read_journal, CallJournal.open):
        with pytest.raises(Refusal, match=r"calls\.jsonl:2: is no call: Field required"):
            read(path)


async def test_a_full_disk_is_told_at_the_end_and_leaves_no_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there is room again for a later call: half a line in the middle would spoil the whole."""
    path = tmp_path / "calls.jsonl"
    usual, written = os.write, []

    def write(file: int, data: bytes) -> int:
        written.append(data)
        if len(written) == 2:
            return usual(file, data[:10])
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return usual(file, data)

    monkeypatch.setattr(os, "write", write)
    journal = CallJournal.open(path)
    for number in (1, 2, 3):
        journal.append(call(number))
    with pytest.raises(Refusal, match="cannot be written: No space left on device"):
        await journal.close()
    assert [made.number for made in read_journal(path)] == [1]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be opened: No such file"):
        CallJournal.open(tmp_path / "none" / "calls.jsonl")
