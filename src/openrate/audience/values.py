"""Values as they are compared: versions, numbers, names of languages; whatever is stored is held to the same."""

from __future__ import annotations

import math
import re

_VERSION = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+)*)([^+ (]*)")
_DIGITS = re.compile(r"[0-9]+")
_FOLDED = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WHOLE = 1 << 63
_SMALLEST, _LARGEST = 1e-300, 1e300


def version_key(version: str | None) -> str | None:
    """A text whose order, byte by byte, is that of versions; None for what is no version.

    A version begins with whole numbers and dots (after a ``v``, perhaps): 2.10 is after 2.9, and 2.0 is 2.0.0.
    What follows at once makes it an earlier one, as in 2.0-beta or 2.0rc1; after ``+``, a space or a
    parenthesis it says which build it is and does not count.
    """
    match = None if version is None else _VERSION.match(version)
    if match is None:
        return None
    numbers = [number.lstrip("0") for number in match[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    # A number is preceded by how many digits it has. The signs between have this order: - . /
    key = "/".join(map(_sized, numbers))
    earlier = _DIGITS.sub(lambda digits: _sized(digits[0].lstrip("0")), match[2].lower())
    return f"{key}-{earlier}" if earlier else f"{key}."


def _sized(digits: str) -> str:
    return f"{len(digits):02}{digits}"


def stored_number(given: float) -> int | float | None:
    """A number as it is kept and compared: whole ones of 64 bits as they are, others to 15 digits.

    None: it is too large or too near to 0. Databases read and compare decimal numbers of up to 15 digits alike;
    of longer ones they read some a little differently from each other.
    """
    if isinstance(given, int):
        return given if -_WHOLE <= given < _WHOLE else None
    if given and not _SMALLEST <= abs(given) <= _LARGEST:
        return None
    return None if math.isnan(given) else float(f"{given:.15g}")


def folded(text: str) -> str:
    """Without the difference between the capital and small letters of ASCII."""
    return text.translate(_FOLDED)


def folded_language(language: str) -> str:
    """Likewise, with ``fr_FR`` for ``fr-FR``."""
    return folded(language).replace("_", "-")
