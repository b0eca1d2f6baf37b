"""What the local model says of itself."""

from __future__ import annotations

import hashlib

from harness.gateway.local_model.process import running_local_model
from harness.gateway.local_model.weights import find_weights
from harness.gateway.model import choose_model
from harness.gateway.settings import LocalSettings
from tests.gateway_local_model.running import client_of
from tests.local_model_extra import needs_local_model

pytestmark = needs_local_model


async def test_it_says_which_weights_answer_and_that_it_is_local() -> None:
    path = find_weights().path
    async with running_local_model(LocalSettings(slots=1)) as url, client_of(url) as client:
        [listed] = (await client.list()).models
        [running] = (await client.ps()).models
        shown = await client.show("llama3.1")
        choice = await choose_model(f"ollama:{url}", ollama_host=None)
    assert (listed.model, listed.size) == ("smollm2:135m", path.stat().st_size)
    assert listed.digest == running.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert shown.details is not None
    assert (shown.details.format, shown.details.quantization_level) == ("gguf", "Q4_1")
    assert shown.capabilities == ["completion"]
    assert running.context_length == (shown.modelinfo or {})["llama.context_length"] == 8192
    # Another gateway in front of it is told what it is, and may ask for any name.
    assert choice.local
    assert choice.offers("llama3.1")
    assert choice.reason == f"a local model at {url} was asked for"
