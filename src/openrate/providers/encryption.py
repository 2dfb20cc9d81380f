"""Web Push messages encrypted for one browser (RFC 8291), in the content coding aes128gcm (RFC 8188)."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4096
"""Bytes of the only record; RFC 8291, section 4."""
_HEADER = 16 + 4 + 1 + 65
_OVERHEAD = _HEADER + 1 + 16
LONGEST_TEXT = RECORD - _OVERHEAD
"""Bytes that fit beside the header, the delimiter and the tag: 3,993."""
_AUTH_LENGTH = 16
_CURVE = ec.SECP256R1()


class Browser(NamedTuple):
    """The keys of a subscription."""

    public_key: ec.EllipticCurvePublicKey
    point: bytes
    auth: bytes


def browser(p256dh: str, auth: str) -> Browser | None:
    """The keys that a subscription gives in base64url; None when they are none."""
    try:
        point, secret = _unpadded(p256dh), _unpadded(auth)
        key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except (ValueError, binascii.Error):
        return None
    is_whole = len(point) == 65 and len(secret) == _AUTH_LENGTH  # noqa: PLR2004 - the uncompressed form
    return Browser(key, point, secret) if is_whole else None


def encrypted(
    text: bytes, to: Browser, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """``text`` as the body of a push, at most ``RECORD`` bytes.

    Args:
        text: at most ``LONGEST_TEXT`` bytes.
        to: who can read it.
        key: of the sender; a fresh one for each message unless a test wants an example's.
        salt: 16 bytes, likewise.
    """
    own = key or ec.generate_private_key(_CURVE)
    salt = salt or os.urandom(16)
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), to.public_key)
    secret = _derived(to.auth, shared, b"WebPush: info\0" + to.point + point, 32)
    content_key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4, "big") + len(point).to_bytes(1, "big") + point
    return header + AESGCM(content_key).encrypt(nonce, text + b"\2", None)


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869) to at most one block, for which it is two HMACs."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")[:length]


def _unpadded(text: str) -> bytes:
    """Base64url with or without padding."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
