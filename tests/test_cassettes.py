"""What is said of cassettes: which entries can be replayed, which were used, which nobody needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cassettes import cassette_facts, entry_facts, entry_on, find_cassettes, open_cassette, verify
from harness.errors import BadInputError
from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.cassette import Entry, append_entry
from harness.gateway.cassette.draft import Draft


def entry(body: bytes, *, endpoint: Endpoint = Endpoint.CHAT, status: int = 200, whole: bool = True) -> Entry:
    payload = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "input": "Why?"}
    draft = Draft(CanonicalRequest.from_payload(payload, endpoint), endpoint is Endpoint.CHAT, status)
    draft.add(0.1, body)
    return draft.entry(whole=whole, run="r", recorded_at="2024-05-01T10:00:00", source="s", digest="")


def recorded(folder: Path, *entries: Entry) -> Path:
    path = folder / "shop.jsonl"
    for one in entries:
        append_entry(path, one)
    return path


def said(text: str, **fields: object) -> bytes:
    return json.dumps({"message": {"role": "assistant", "content": text}, **fields}).encode() + b"\n"


WHOLE = said("Because.", done=True)


@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        (entry(WHOLE), None),
        (entry(b'{"embeddings": [[1.0]]}', endpoint=Endpoint.EMBED), None),
        (entry(said("Bec"), whole=False), "the answer to unknown#1 broke off"),
        (entry(said("Bec")), "the answer to unknown#1 never says that it is done"),
        (entry(b'{"error": "no"}', status=500), "the model answered unknown#1 with status 500"),
    ],
)
def test_an_entry_that_is_no_whole_answer_is_told(kept: Entry, problem: str | None, tmp_path: Path) -> None:
    path = recorded(tmp_path, entry(WHOLE), kept)
    assert verify(path) == ((f"{path}:2: {problem}",) if problem else ())


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = recorded(tmp_path, entry(WHOLE))
    with path.open("a") as file:
        file.write('{"version": 1')
    assert verify(path) == (f"{path}:2: the entry was never finished; the next recording drops it",)
    assert cassette_facts(open_cassette(path)).torn
    path.write_text("")
    assert verify(path) == (f"{path}: holds no entry",)
    path.write_text("{}\n")
    assert verify(path) == (f"{path}:1: key: Field required",)


def test_facts_count_requests_and_not_answers(tmp_path: Path) -> None:
    path = recorded(tmp_path, entry(WHOLE), entry(said("Otherwise.", done=True)))
    facts = cassette_facts(open_cassette(path))
    assert (facts.entries, facts.requests, facts.models, facts.sources) == (2, 1, ("m",), ("s",))
    first, second = entry_facts(open_cassette(path))
    assert (first.line, first.opening, first.used) == (1, "Because.", None)
    assert (second.line, second.took_s, second.characters) == (2, 0.1, 10)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    path = recorded(tmp_path, entry(WHOLE))
    assert find_cassettes([tmp_path, path]) == [path, path]
    with pytest.raises(BadInputError, match="has no entry on line 7; it has 1 entries"):
        entry_on(open_cassette(path), 7)
    with pytest.raises(BadInputError, match="there is no such cassette or folder of cassettes"):
        find_cassettes([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match=r"holds no cassette \(NAME\.jsonl\); record one with"):
        find_cassettes([tmp_path / "empty"])
