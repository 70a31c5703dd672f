"""Page tokens: signed, bound to the list that they belong to, and valid for a while."""

from __future__ import annotations

from stream_service.core.iterator import Signer
from stream_service.core.ports import Clock


class PageTokens:
    """Makes and reads the tokens of all lists."""

    def __init__(self, signer: Signer, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock

    def start(self, scope: str, token: str) -> str:
        """After what the page begins; empty for the first. Raises InvalidPageToken."""
        return self._signer.read_page_token(token, scope, now_millis=self._clock.unix_millis()) if token else ""

    def make(self, scope: str, after: str) -> str:
        """The token of the page after `after` of the list that `scope` names."""
        return self._signer.page_token(scope, after, now_millis=self._clock.unix_millis())
