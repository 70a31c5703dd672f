from __future__ import annotations

import pytest
from millrace_sdk import server


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "MILLRACE_HANDLER_LISTEN"):
        monkeypatch.delenv(name, raising=False)


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_HANDLER_LISTEN", "[::]:1")
    monkeypatch.setenv("PORT", "2")

    assert server.listen_address(0, None) == "127.0.0.1:0"
    assert server.listen_address(None, "0.0.0.0:3") == "0.0.0.0:3"
    assert server.listen_address(None, None) == "[::]:1"


def test_the_port_alone_listens_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "2")

    assert server.listen_address(None, None) == "127.0.0.1:2"


def test_without_a_word_it_is_port_7500() -> None:
    assert server.listen_address(None, None) == "127.0.0.1:7500"


@pytest.mark.parametrize("listen", ["7500", ":7500", "host:", "host:x", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        server.listen_address(None, listen)


def test_both_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="not by both"):
        server.listen_address(1, "host:1")
