"""What became of pushes, as facts: through the same door as anyone's (``metrics.md``, "Facts")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from openrate.delivery.chunk import ChunkRun, End
from openrate.ingest import is_language
from openrate.messages import version_of
from openrate.model import App, Campaign, Cause, FactType
from openrate.ports.event_log import FactColumns, Kind

_About = tuple[Cause | None, str | None, bool, str | None]


def facts_of(app: App, campaign: Campaign, send_id: str, run: ChunkRun, ends: Sequence[End]) -> FactColumns:
    """A ``push_sent`` or a ``push_error`` for each end."""
    numbers: dict[_About, int] = {}
    names = run.chunk.installations
    kind, installations = [], []
    for end in ends:
        name, recipient = names[end.position], run.recipient(end.position)
        version = version_of(campaign.token, name) if campaign.has_versions else None
        about = (end.cause, version, recipient.opted_in, recipient.language)
        kind.append(numbers.setdefault(about, len(numbers)))
        installations.append(name)
    kinds = [_kind(app, campaign, send_id, *about) for about in numbers]
    ats = np.array([end.at for end in ends], np.int64)
    return FactColumns(kinds, np.array(kind, np.int64), installations, ats)


def _kind(  # noqa: PLR0913 - what a report says
    app: App,
    campaign: Campaign,
    send_id: str,
    cause: Cause | None,
    version: str | None,
    opted_in: bool,
    language: str | None,
) -> Kind:
    is_sent = cause is None
    return Kind(
        FactType.PUSH_SENT if is_sent else FactType.PUSH_ERROR,
        campaign.id,
        send_id,
        version,
        opted_in or not is_sent,
        cause,
        app.platform.value,
        language if language is not None and is_language(language) else None,
    )
