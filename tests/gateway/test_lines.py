from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.lines import Lines


@given(st.lists(st.sampled_from([b"a", b"\n"]), max_size=40).map(b"".join), st.sets(st.integers(1, 39)))
def test_lines_are_the_same_wherever_the_chunks_were_cut(body: bytes, cuts: set[int]) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    lines = Lines()
    found = [line for start, end in pairwise(bounds) for line in lines.feed(body[start:end])]
    assert [*found, lines.take_rest()] == body.split(b"\n")
    assert lines.take_rest() == b""


def test_a_line_is_there_when_its_end_is() -> None:
    lines = Lines()
    assert lines.feed(b"one") == []
    assert lines.feed(b"\ntwo\n\nthr") == [b"one", b"two", b""]
    assert lines.take_rest() == b"thr"
