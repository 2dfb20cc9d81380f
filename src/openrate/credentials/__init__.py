"""What an app's provider asks for before it sends: read from files, sealed before they are stored.

Credentials are secrets. They are encrypted at rest with a key that lies outside the database, shown by their
public parts alone, and have no ``repr``, so that no log or traceback can hold them.
"""

from openrate.credentials.kinds import (
    FCM_URL,
    PLATFORMS,
    ApnsCredentials,
    Credentials,
    FcmCredentials,
    StubCredentials,
    WebPushCredentials,
    provider_of,
    public_parts,
)
from openrate.credentials.reading import check_reach, read_credentials
from openrate.credentials.seal import Seal, Vault, seal_of

__all__ = [
    "FCM_URL",
    "PLATFORMS",
    "ApnsCredentials",
    "Credentials",
    "FcmCredentials",
    "Seal",
    "StubCredentials",
    "Vault",
    "WebPushCredentials",
    "check_reach",
    "provider_of",
    "public_parts",
    "read_credentials",
    "seal_of",
]
