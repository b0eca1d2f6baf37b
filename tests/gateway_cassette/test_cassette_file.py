"""The file: adding, reading, what was torn, and what a person changed."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from harness.gateway.cassette.cassette_file import (
    CassetteError,
    append_entry,
    cassette_path,
    read_cassette,
    replace_entries,
)
from tests.gateway_cassette.entries import entry, request


def _asked(path: Path) -> list[str]:
    return [found.request.messages[0].content for _, found in read_cassette(path).entries]


def test_entries_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "shop.jsonl"
    for text in ("one", "two", "one"):
        append_entry(path, entry(request(text)))
    assert _asked(path) == ["one", "two", "one"]
    assert [line for line, _ in read_cassette(path).entries] == [1, 2, 3]


def test_many_can_record_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"

    def record(number: int) -> None:
        for part in range(20):
            append_entry(path, entry(request(f"{number}.{part} {'x' * 9000}")))

    threads = [threading.Thread(target=record, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = [text.split()[0] for text in _asked(path)]
    assert sorted(asked) == sorted(f"{number}.{part}" for number in range(6) for part in range(20))
    assert [text for text in asked if text.startswith("3.")] == [f"3.{part}" for part in range(20)]


def test_an_entry_that_was_never_finished_is_left_out_and_dropped_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    append_entry(path, entry(request("one")))
    whole = path.read_bytes()
    path.write_bytes(whole + entry(request("long " * 40_000)).as_line().encode()[:-9])
    assert read_cassette(path).torn == 2
    assert _asked(path) == ["one"]
    append_entry(path, entry(request("two")))
    assert _asked(path) == ["one", "two"]
    assert read_cassette(path).torn is None
    assert path.read_bytes().startswith(whole)


def test_a_last_line_without_its_end_is_an_entry_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(entry(request("one")).as_line())
    append_entry(path, entry(request("two")))
    assert _asked(path) == ["one", "two"]


def test_a_broken_line_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(f"{entry().as_line()}\n\n{{]\n{entry().as_line()}\n")
    with pytest.raises(CassetteError, match=re.escape(f"{path}:3: ")):
        read_cassette(path)


def test_a_missing_cassette_says_how_to_record_it(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"there is no such cassette; record it with --model record:"):
        read_cassette(tmp_path / "shop.jsonl")


@pytest.mark.parametrize("name", ["", "../shop", "a/b", ".hidden", "a\nb", "x" * 200])
def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CassetteError, match="is no name of a cassette"):
        cassette_path(tmp_path, name)


def test_replacing_keeps_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    for text in ("one", "two"):
        append_entry(path, entry(request(text)))
    before = path.read_bytes()
    for _ in range(2):
        cassette = read_cassette(path)
        replace_entries(cassette, [cassette.entries[-1][1]])
    assert _asked(path) == ["two"]
    assert (tmp_path / "shop.jsonl.bak").read_bytes() == before
    assert (tmp_path / "shop.jsonl.bak2").exists()


def test_nothing_that_is_recorded_meanwhile_is_lost_by_replacing(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    append_entry(path, entry(request("one")))
    cassette = read_cassette(path)
    append_entry(path, entry(request("two")))
    with pytest.raises(CassetteError, match="was added to meanwhile"):
        replace_entries(cassette, [])
    assert _asked(path) == ["one", "two"]
