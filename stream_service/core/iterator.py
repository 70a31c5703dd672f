"""Shard iterators and page tokens: signed, and bound to what they belong to (rule C3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid

from stream_service.core import errors
from stream_service.core.reading import Place

MAX_AGE_MILLIS = 300_000
_SIGNATURE_BYTES = 16
_ITERATOR = struct.Struct(">BQ16sIQ")
_KIND_ITERATOR = 1
_KIND_PAGE = 2
_PAGE = struct.Struct(">BQ8s")


class Signer:
    """Makes tokens that nobody else can make, and reads them."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def iterator(self, place: Place, *, now_millis: int, nonce: int) -> str:
        """A shard iterator. `nonce` makes each one another; it is signed but means nothing."""
        packed = _ITERATOR.pack(
            _KIND_ITERATOR, now_millis, uuid.UUID(place.stream_id).bytes, place.shard_index, place.after
        )
        return self._sign(packed + nonce.to_bytes(4) + place.stream_name.encode())

    def read_iterator(self, text: str, *, now_millis: int) -> Place:
        """The place of an iterator. Raises InvalidShardIterator, ShardIteratorExpired."""
        body = self._verify(text)
        if body is None or body[0] != _KIND_ITERATOR or len(body) <= _ITERATOR.size + 4:
            raise errors.InvalidShardIterator
        _, issued, stream_id, index, after = _ITERATOR.unpack_from(body)
        age = now_millis - issued
        if age > MAX_AGE_MILLIS:
            raise errors.ShardIteratorExpired(age // 1000, MAX_AGE_MILLIS // 1000)
        name = body[_ITERATOR.size + 4 :].decode()
        return Place(stream_name=name, stream_id=str(uuid.UUID(bytes=stream_id)), shard_index=index, after=after)

    def page_token(self, scope: str, after: str, *, now_millis: int) -> str:
        """A token for the page after `after` of the list that `scope` names."""
        return self._sign(_PAGE.pack(_KIND_PAGE, now_millis, _scope_of(scope)) + after.encode())

    def read_page_token(self, text: str, scope: str, *, now_millis: int) -> str:
        """Where the page starts. Raises InvalidPageToken, also when it is another list's or too old."""
        body = self._verify(text)
        if body is None or body[0] != _KIND_PAGE or len(body) < _PAGE.size:
            raise errors.InvalidPageToken
        _, issued, token_scope = _PAGE.unpack_from(body)
        if token_scope != _scope_of(scope) or now_millis - issued > MAX_AGE_MILLIS:
            raise errors.InvalidPageToken
        return body[_PAGE.size :].decode()

    def _sign(self, body: bytes) -> str:
        return base64.urlsafe_b64encode(body + self._signature(body)).decode().rstrip("=")

    def _verify(self, text: str) -> bytes | None:
        """The signed bytes; None if the text is not exactly what this service made of them."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        if not body or not hmac.compare_digest(self._signature(body), signature) or self._sign(body) != text:
            return None
        return body

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE_BYTES]


def _scope_of(scope: str) -> bytes:
    return hashlib.sha256(scope.encode()).digest()[:8]
