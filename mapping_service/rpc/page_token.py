"""Page tokens: opaque, signed, and good for the list they came from only."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import ClassVar

from chassis.errors import DomainError, FieldViolation

SIGNATURE_BYTES = 16
TOKEN_LENGTH_MAX = 1_000


class InvalidPageToken(DomainError):
    """The page token is not one that this list gave out."""

    reason: ClassVar[str] = "INVALID_PAGE_TOKEN"
    code: ClassVar[str] = "INVALID_ARGUMENT"

    def __init__(self) -> None:
        super().__init__(violations=(FieldViolation("page_token", "must be the last answer's, or empty"),))


class PageTokens:
    """Makes and reads tokens with a key that outlives the process."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, scope: str, *place: int | str) -> str:
        """A token for the place after which a list goes on. The scope names the list with its filters."""
        body = json.dumps(place, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(scope, body) + body).decode("ascii")

    def read(self, scope: str, token: str) -> list[int | str]:
        """The place that a token of the same scope stands for. Raises InvalidPageToken."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise InvalidPageToken
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidPageToken from error
        body = raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(raw[:SIGNATURE_BYTES], self._sign(scope, body)):
            raise InvalidPageToken
        place: list[int | str] = json.loads(body)
        return place

    def _sign(self, scope: str, body: bytes) -> bytes:
        return hmac.new(self._key, scope.encode() + b"\0" + body, hashlib.sha256).digest()[:SIGNATURE_BYTES]
