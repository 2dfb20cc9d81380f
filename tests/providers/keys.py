"""Credentials to try providers with. The keys are made for each run and open nothing."""

from __future__ import annotations

import base64
import json
import os
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from openrate.credentials import ApnsCredentials, FcmCredentials, WebPushCredentials


@cache
def rsa_pem() -> str:
    return _pem(rsa.generate_private_key(65537, 2048))


@cache
def p256_pem() -> str:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def fcm(url: str) -> FcmCredentials:
    return FcmCredentials(
        project_id="shop-1",
        client_email="sender@shop-1.iam.gserviceaccount.com",
        private_key=rsa_pem(),
        private_key_id="abc123",
        token_uri=f"{url}/token",
        base_url=url,
    )


def apns(url: str | None) -> ApnsCredentials:
    return ApnsCredentials(
        private_key=p256_pem(),
        key_id="ABCDE12345",
        team_id="TEAM567890",
        topic="com.example.shop",
        base_url=url,
    )


def webpush() -> WebPushCredentials:
    return WebPushCredentials(private_key=p256_pem(), subject="mailto:push@shop.example")


def another_webpush() -> WebPushCredentials:
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    return WebPushCredentials(private_key=pem, subject="mailto:push@rival.example")


class Subscriber:
    """A browser: keeps the key that its subscription does not show."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _base64url(point), "auth": _base64url(self.auth)}
        self.subscription = json.dumps({"endpoint": endpoint, "keys": keys})


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
