"""Names to dense numbers: what lets the rest work on arrays.

Open addressing over 128 bits of Python's own keyed string hash (SipHash, seeded per process), of which the
table keeps all: two names share a number only if both 64-bit halves agree. Hashes never leave the process;
the durable dictionary is the names themselves, in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EMPTY = -1
_MIX = np.uint64(0x9E3779B97F4A7C15)


def hash_names(scope: NDArray[np.int32] | int, names: Sequence[str]) -> NDArray[np.uint64]:
    """128 bits per (scope, name), as an array of shape (n, 2). Two halves: the name forwards and backwards."""
    n = len(names)
    keys = np.empty((n, 2), np.uint64)
    keys[:, 0] = np.fromiter(map(hash, names), np.int64, n).view(np.uint64)
    keys[:, 1] = np.fromiter(map(hash, [name[::-1] for name in names]), np.int64, n).view(np.uint64)
    mix = (np.atleast_1d(np.asarray(scope, np.uint64)) + np.uint64(1)) * _MIX
    keys[:, 0] ^= mix
    keys[:, 1] ^= mix * _MIX
    return keys


class NameTable:
    """A growing dictionary from 128-bit keys to 0, 1, 2 … in order of arrival; about 30 bytes a name.

    One thread adds; others may ``find`` meanwhile, and find what was there when they began. For them, a number
    is in the slots only after its key is in the keys, and larger arrays take the place of full ones when they
    are whole.
    """

    def __init__(self) -> None:
        self._slots = np.full(1 << 12, _EMPTY, np.int32)
        self._keys = np.empty((1 << 11, 2), np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def intern(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The number of each key, and the positions in ``keys`` at which a new number first stands, in order."""
        numbers = self.find(keys)
        missing = np.flatnonzero(numbers == _EMPTY)
        if not len(missing):
            return numbers, missing
        first, group = _distinct(keys[missing])
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        numbers[missing] = self._count + rank[group]
        new = missing[first[order]]
        self.add(keys[new])
        return numbers, new

    def reserve(self, count: int) -> None:
        """Make room for that many, so that adding them does not grow step by step."""
        if count > len(self._keys):
            grown = np.empty((max(count, 2 * len(self._keys)), 2), np.uint64)
            grown[: self._count] = self._keys[: self._count]
            self._keys = grown
        if count * 2 > len(self._slots):
            slots = np.full(1 << int(count * 3 - 1).bit_length(), _EMPTY, np.int32)
            _place(slots, self._keys, np.arange(self._count, dtype=np.int32))
            self._slots = slots

    def add(self, keys: NDArray[np.uint64]) -> None:
        """Give the next numbers to keys known to be new and distinct."""
        self.reserve(self._count + len(keys))
        numbers = np.arange(self._count, self._count + len(keys), dtype=np.int32)
        self._keys[numbers] = keys
        self._count += len(keys)
        _place(self._slots, self._keys, numbers)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The number of each key, -1 for one that has none."""
        # In this order: what is in these slots by now has its key in these keys, if its number is below the count.
        count, slots, known = self._count, self._slots, self._keys
        found = np.full(len(keys), _EMPTY, np.int32)
        mask = len(slots) - 1
        rest = np.arange(len(keys))
        slot = (keys[:, 0] & np.uint64(mask)).astype(np.int64)
        while len(rest):
            number = slots[slot]
            is_old = (number != _EMPTY) & (number < count)
            same = is_old & (known[np.where(is_old, number, 0)] == keys[rest]).all(axis=1)
            found[rest[same]] = number[same]
            go_on = (number != _EMPTY) & ~same
            rest = rest[go_on]
            slot = (slot[go_on] + 1) & mask
        return found


def _place(slots: NDArray[np.int32], keys: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
    """Write numbers into free slots; of several that want one, the last written stays, the others move on."""
    mask = len(slots) - 1
    slot = (keys[numbers, 0] & np.uint64(mask)).astype(np.int64)
    while len(numbers):
        free = slots[slot] == _EMPTY
        slots[slot[free]] = numbers[free]
        lost = slots[slot] != numbers
        numbers, slot = numbers[lost], (slot[lost] + 1) & mask


def _distinct(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each distinct key first stands, and for every key which of the distinct ones it is."""
    order = np.argsort(keys[:, 0])
    ordered = keys[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    if (ordered[1:, 0] == ordered[:-1, 0])[new[1:]].any():  # one half alike, the other not: about never
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        ordered = keys[order]
        new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(new) - 1
    return np.minimum.reduceat(order, np.flatnonzero(new)), group
