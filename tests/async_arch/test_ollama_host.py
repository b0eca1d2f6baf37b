"""The address of the model, against what the `ollama` client makes of the same words."""

from __future__ import annotations

import pytest
from ollama._client import _parse_host

from async_arch.ollama_host import OllamaHost


@pytest.mark.parametrize("scheme", ["", "http://", "https://", "ftp://"])
@pytest.mark.parametrize("host", ["", "1.2.3.4", "Example.com", "[0001:002:003:0004::1]"])
@pytest.mark.parametrize("port", ["", ":56789"])
@pytest.mark.parametrize("path", ["", "/", "/r/some-run", "/path/"])
def test_an_address_is_read_as_the_client_reads_it(scheme: str, host: str, port: str, path: str) -> None:
    text = f"{scheme}{host}{port}{path}"
    assert OllamaHost.parse(text).url == _parse_host(text)


def test_nothing_said_is_this_machine() -> None:
    assert OllamaHost.parse(None).url == _parse_host(None) == "http://127.0.0.1:11434"


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Port"):
        OllamaHost.parse("localhost:none")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "host", "proxy"),
    [
        ({}, "http://gpu", None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "http://gpu", "http://proxy:3128"),
        ({"http_proxy": "proxy:3128"}, "gpu", "http://proxy:3128"),
        ({"ALL_PROXY": "http://proxy:3128"}, "https://gpu", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://gpu", None),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.1"}, "http://127.0.0.1:9/r/run", None),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "gpu:11434"}, "gpu", None),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "other"}, "gpu", "http://proxy:3128"),
    ],
)
def test_a_proxy_is_used_where_the_environment_asks_for_one(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert OllamaHost.parse(host).proxy() == proxy
