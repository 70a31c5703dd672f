"""Page tokens are good for the list they came from only."""

from __future__ import annotations

import pytest

from mapping_service.rpc.page_token import InvalidPageToken, PageTokens

TOKENS = PageTokens(b"key")


def test_a_token_gives_its_place_back() -> None:
    assert TOKENS.read("mappings", TOKENS.make("mappings", 17, "m-1")) == [17, "m-1"]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "ä",
        "====",
        "A" * 5_000,
        PageTokens(b"another key").make("mappings", 1),
        TOKENS.make("handlers", 1),
        TOKENS.make("mappings", 1)[:-2],
    ],
)
def test_a_token_that_this_list_did_not_give_out_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        TOKENS.read("mappings", token)
