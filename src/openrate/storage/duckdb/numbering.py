"""The durable numbers of installations and sends: what the log stores instead of names.

Number 0 of the sends stands for "about no campaign". A push_open that names no send has a send of its
campaign without a name. Numbers are given in order of arrival and written in the transaction of the facts
that need them; until that transaction holds, they wait here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb.names import NameTable, hash_names

_NO_NAME = ""


class Growing:
    """An array that grows at its end."""

    def __init__(self) -> None:
        self._array = np.zeros(1024, np.int32)
        self._count = 0

    def extend(self, values: NDArray[np.int32]) -> None:
        """Add values at the end."""
        end = self._count + len(values)
        if end > len(self._array):
            grown = np.zeros(max(end, 2 * len(self._array)), np.int32)
            grown[: self._count] = self.values
            self._array = grown
        self._array[self._count : end] = values
        self._count = end

    @property
    def values(self) -> NDArray[np.int32]:
        """What is there now; later growth does not change it."""
        return self._array[: self._count]


class Unsaved(NamedTuple):
    """Rows of the dictionary that are not in the file yet."""

    installations: list[tuple[int, int, str]]
    sends: list[tuple[int, int, int, str | None]]


class Numbering:
    """Names of installations (within an app) and of sends (within a campaign) to numbers and back."""

    def __init__(self) -> None:
        self._installations = NameTable()
        self._sends = NameTable()
        self.send_campaign = Growing()
        self.send_app = Growing()
        self.send_is_named = Growing()
        self.unsaved = Unsaved([], [])
        self._campaigns = 0
        self.load_sends(np.zeros(1, np.int32), np.zeros(1, np.int32), [None])

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many installations, sends and campaigns: every number is below."""
        return len(self._installations), len(self._sends), self._campaigns

    def find_installations(self, app_id: int, names: Sequence[str]) -> NDArray[np.int32]:
        """The numbers of installations of an app, -1 for those that have none; from any thread."""
        return self._installations.find(hash_names(app_id, names))

    def load_installations(self, apps: NDArray[np.int32], names: list[str]) -> None:
        """Take over installations from the file, in order of their numbers."""
        self._installations.add(hash_names(apps, names))

    def reserve(self, installations: int) -> None:
        """Make room for that many installations."""
        self._installations.reserve(installations)

    def load_sends(
        self, apps: NDArray[np.int32], campaigns: NDArray[np.int32], names: list[str | None]
    ) -> None:
        """Take over sends from the file, in order of their numbers."""
        self._sends.add(hash_names(campaigns, [name or _NO_NAME for name in names]))
        self._know_sends(apps, campaigns, names)

    def number(self, app_id: int, facts: FactColumns) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The numbers of the installations and sends of these facts; new ones are added to ``unsaved``."""
        return self._number_installations(app_id, facts), self._number_sends(app_id, facts)

    def _number_installations(self, app_id: int, facts: FactColumns) -> NDArray[np.int32]:
        numbers, new = self._installations.intern(hash_names(app_id, facts.installations))
        self.unsaved.installations.extend(
            (number, app_id, facts.installations[at])
            for number, at in zip(numbers[new].tolist(), new.tolist(), strict=True)
        )
        return numbers

    def _number_sends(self, app_id: int, facts: FactColumns) -> NDArray[np.int32]:
        campaigns = np.array([kind.campaign_id for kind in facts.kinds], np.int32)
        names = [kind.send for kind in facts.kinds]
        numbers, new = self._sends.intern(hash_names(campaigns, [name or _NO_NAME for name in names]))
        for number, at in zip(numbers[new].tolist(), new.tolist(), strict=True):
            self.unsaved.sends.append((number, app_id, int(campaigns[at]), names[at]))
        new_names = [names[at] for at in new.tolist()]
        self._know_sends(np.full(len(new), app_id, np.int32), campaigns[new], new_names)
        return numbers[facts.kind]

    def _know_sends(
        self, apps: NDArray[np.int32], campaigns: NDArray[np.int32], names: list[str | None]
    ) -> None:
        self.send_app.extend(apps)
        self.send_is_named.extend(np.array([name is not None for name in names], np.int32))
        self.send_campaign.extend(campaigns)
        self._campaigns = max(self._campaigns, int(campaigns.max(initial=0)) + 1)
