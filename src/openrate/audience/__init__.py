"""To whom: what a campaign says about its audience, as conditions, and what they mean."""

from openrate.audience.columns import moments_in, segments_of
from openrate.audience.estimate import Estimate, Estimates
from openrate.audience.query import LONGEST_QUERY, LONGEST_TEXT, is_name, read_query
from openrate.audience.reference import NEW_MS, Seen, Subject, matches, segment, selects
from openrate.audience.targeting import needs_facts, read_targeting
from openrate.audience.values import folded, folded_language, stored_number, version_key

__all__ = [
    "LONGEST_QUERY",
    "LONGEST_TEXT",
    "NEW_MS",
    "Estimate",
    "Estimates",
    "Seen",
    "Subject",
    "folded",
    "folded_language",
    "is_name",
    "matches",
    "moments_in",
    "needs_facts",
    "read_query",
    "read_targeting",
    "segment",
    "segments_of",
    "selects",
    "stored_number",
    "version_key",
]
