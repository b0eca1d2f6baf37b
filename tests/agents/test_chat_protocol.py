"""The reading of Ollama's streams and errors."""

from __future__ import annotations

import ollama
import pytest

from agents.chat_protocol import (
    ModelAnswersError,
    StreamReader,
    UnfamiliarLine,
    chat_messages,
    decoded,
    model_error,
)
from agents.conversation import Cause, Message, ModelError, ModelReply, ModelRequest
from agents.roles import Role


def chunk(content: str | None = "", **fields: object) -> ollama.ChatResponse:
    return ollama.ChatResponse.model_validate(
        {"message": {"role": "assistant", "content": content}, "done": False, **fields}
    )


def read(*chunks: ollama.ChatResponse) -> ModelReply:
    reader = StreamReader()
    for each in chunks:
        reader.feed(each)
    return reader.reply("t")


def test_the_messages_of_a_request_carry_who_speaks_as_their_role() -> None:
    request = ModelRequest(Role.ANALYST, None, 1, (Message("system", "a"), Message("user", "b")))
    assert chat_messages(request) == [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]


def test_a_stream_is_put_together_and_its_last_line_tells_how_it_ended() -> None:
    last = chunk("!", done=True, done_reason="length", prompt_eval_count=7, eval_count=3)
    assert read(chunk("a"), chunk(None), chunk("b"), last) == ModelReply("ab!", "t", "length", 7, 3)


def test_what_the_last_line_leaves_out_has_a_default() -> None:
    assert read(chunk(done=True)) == ModelReply("", "t", "stop", 0, 0)


@pytest.mark.parametrize("chunks", [(), (chunk("half"),)], ids=["nothing", "half"])
def test_a_stream_that_never_says_done_is_no_answer(chunks: tuple[ollama.ChatResponse, ...]) -> None:
    """The client raises nothing then: half a file would be taken for a whole one."""
    with pytest.raises(ModelError, match="without 'done'") as caught:
        read(*chunks)
    assert (caught.value.at, caught.value.cause) == ("t", Cause.MODEL)


@pytest.mark.parametrize(
    ("error", "reason", "status", "cause"),
    [
        (
            ollama.ResponseError("model 'x' not found", 404),
            "the model answered 404: model 'x'",
            404,
            Cause.REQUEST,
        ),
        (ollama.ResponseError("bad\nthing", 500), "the model answered 500: bad thing", 500, Cause.MODEL),
        (ollama.ResponseError("cut in mid-stream", -1), "not be read: cut in mid-stream", None, Cause.MODEL),
        (ConnectionError("refused"), "the model could not be reached or its answer", None, Cause.MODEL),
        (TimeoutError(), "not be read: TimeoutError", None, Cause.MODEL),
        (ollama.ResponseError("\ud800", 500), "the model answered 500: ?", 500, Cause.MODEL),
    ],
)
def test_an_error_of_a_client_tells_whose_fault_it_is(
    error: Exception, reason: str, status: int | None, cause: Cause
) -> None:
    made = model_error(error, "t", broken_connection=False)
    assert reason in made.reason
    assert (made.status, made.cause, made.at) == (status, cause, "t")


@pytest.mark.parametrize(
    ("error", "broken", "passing"),
    [
        (ollama.ResponseError("busy", 503), False, True),
        (ollama.ResponseError("not found", 404), False, False),
        (ollama.ResponseError("bad", 400), False, False),
        (ollama.ResponseError("an error line in mid-stream", -1), False, True),
        (ConnectionError("refused"), True, True),
        (ValueError("<html>"), False, False),
    ],
)
def test_what_may_pass_is_told_from_what_may_not(error: Exception, broken: bool, passing: bool) -> None:
    assert model_error(error, "t", broken_connection=broken).passing is passing


def test_a_cut_stream_may_pass() -> None:
    with pytest.raises(ModelError) as caught:
        StreamReader().reply("t")
    assert caught.value.passing


def lines(*chunks: ollama.ChatResponse) -> list[bytes]:
    return [each.model_dump_json(exclude_none=True).encode() for each in chunks]


def test_lines_as_they_came_are_read_like_the_clients_chunks() -> None:
    last = chunk("!", done=True, done_reason="length", prompt_eval_count=7, eval_count=3)
    chunks = (chunk("a «店»"), chunk(None), chunk("b\n"), last)
    reader = StreamReader()
    for fields in decoded(lines(*chunks)):
        reader.feed_decoded(fields)
    assert reader.reply("t") == read(*chunks)


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        (b'{"error": "out of memory"}', ModelAnswersError, "out of memory"),
        (b'{"error": "{\\"error\\": \\"inside\\"}"}', ModelAnswersError, "^inside$"),
        (b'{"error": {"code": 1}}', ModelAnswersError, "code"),
        (b"[]", ValueError, "not a JSON object"),
        (b"<html>", ValueError, "Expecting value: line 1 column 1"),
        (b"", ValueError, "Expecting value: line 1 column 1"),
        (b'{"done": true}', UnfamiliarLine, "none of a chat"),
        (b'{"message": {"role": "assistant", "content": 5}}', UnfamiliarLine, "none of a chat"),
        (b'{"message": {"role": "assistant"}, "done": "yes"}', UnfamiliarLine, "none of a chat"),
    ],
)
def test_a_line_that_says_something_else_is_told_after_what_came_before(
    line: bytes, error: type[Exception], words: str
) -> None:
    taken = []
    reader = StreamReader()
    with pytest.raises(error, match=words):  # noqa: PT012 (where in the loop is the point)
        for fields in decoded([*lines(chunk("a")), line, *lines(chunk("b"))]):
            reader.feed_decoded(fields)
            taken.append(fields)
    assert len(taken) == 1


def test_lines_that_are_only_together_in_json_are_none() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        list(decoded([b'{"message": [1', b"2]}"]))
