"""Random small worlds of facts, dense in coincidences: the edges of windows, ties, repeats, corrections."""

from __future__ import annotations

from hypothesis import strategies as st

from openrate.model import Cause, Fact, FactType, Rule

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_790_000_000_000 - 1_790_000_000_000 % DAY

RULES = {
    1: Rule(),
    2: Rule(influence_window=60, reengage_window=7 * 86400, inactive_after=86400),
}
"""By app id. App 1 has the defaults."""

CAMPAIGNS = {1: (1, False), 2: (1, True), 3: (2, False), 4: (1, False)}
"""By campaign id: its app, and whether it has versions."""

_steps = [0, 1, -1, 60_000, HOUR, 3 * HOUR, 3 * HOUR + 1, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 30 * DAY - 1]
_times = st.builds(
    lambda day, step, sign: START + day * DAY + sign * step,
    st.integers(-45, 45),
    st.sampled_from(_steps),
    st.sampled_from([1, -1]),
)
_names = st.sampled_from(["i1", "i2", "i3"])


@st.composite
def _reports(draw: st.DrawFn) -> Fact:
    campaign = draw(st.sampled_from(sorted(CAMPAIGNS)))
    app, has_versions = CAMPAIGNS[campaign]
    at = draw(_times)
    send = draw(st.sampled_from(["s1", "s2", "S", f"day{at // DAY}", f"day{at // DAY}"]))
    kind = draw(st.sampled_from([FactType.PUSH_SENT] * 3 + [FactType.PUSH_ERROR]))
    return Fact(
        app,
        kind,
        draw(_names),
        at,
        campaign,
        send,
        draw(st.sampled_from("ab")) if has_versions else None,
        draw(st.booleans()),
        draw(st.sampled_from([Cause.EXPIRED, Cause.PAYLOAD])) if kind is FactType.PUSH_ERROR else None,
        draw(st.sampled_from([None, None, None, "ios"])),
    )


@st.composite
def _taps(draw: st.DrawFn) -> Fact:
    campaign = draw(st.sampled_from(sorted(CAMPAIGNS)))
    app, _ = CAMPAIGNS[campaign]
    send = draw(st.sampled_from([None, None, "s1", "s2", "S"]))
    return Fact(app, FactType.PUSH_OPEN, draw(_names), draw(_times), campaign, send)


_others = st.builds(
    Fact,
    st.sampled_from(sorted(RULES)),
    st.sampled_from([FactType.APP_OPEN] * 4 + [FactType.INSTALLED]),
    _names,
    _times,
)

worlds = st.lists(st.one_of(_reports(), _taps(), _others), max_size=40)
"""A list of facts, in some order of arrival, repeats likely."""
