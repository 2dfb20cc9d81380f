"""Our sender."""

from __future__ import annotations

import socket

from openrate.compose.stores import Parts
from openrate.delivery import Delivery
from openrate.delivery.desk import Desk


def delivery(parts: Parts) -> Delivery:
    """Sends what is due, from now on."""
    return Delivery(
        Desk(
            parts.records,
            parts.sends,
            parts.log,
            parts.clock,
            parts.providers,
            parts.activity,
            socket.gethostname(),
        )
    )
