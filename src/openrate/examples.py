"""What the documents show and the demo prints: the statistics call in three languages, and two of its answers."""

from __future__ import annotations

from typing import Any, NamedTuple

Row = dict[str, Any]

PLAIN: Row = {
    "date": "2015-11-20",
    "sent": 754,
    "sent_optins": 521,
    "direct_open": 102,
    "influenced_open": 98,
    "reengaged": 12,
    "errors": 0,
}
"""What ``docs/http-api.md`` shows of a campaign without versions."""

AB: Row = {
    "date": "2016-03-29",
    "sent": 972,
    "direct_open": 98,
    "influenced_open": 75,
    "reengaged": 36,
    "errors": 0,
    "versions": {
        "a": {"sent": 486, "sent_optins": 459, "direct_open": 67, "influenced_open": 46, "reengaged": 24},
        "b": {"sent": 486, "sent_optins": 451, "direct_open": 31, "influenced_open": 29, "reengaged": 12},
    },
}
"""What it shows of an A/B campaign."""


class StatsCall(NamedTuple):
    """One call of ``GET /1.1/{api_key}/campaigns/stats/{token}``; the defaults are placeholders."""

    base_url: str = "http://127.0.0.1:8000"
    live_key: str = "LIVE_API_KEY"
    rest_key: str = "REST_API_KEY"
    token: str = "CAMPAIGN_TOKEN"  # noqa: S105 - a placeholder

    @property
    def url(self) -> str:
        """The address of the statistics."""
        return f"{self.base_url}/1.1/{self.live_key}/campaigns/stats/{self.token}"

    @property
    def curl(self) -> str:
        """For a shell."""
        return f'curl -H "X-Authorization: {self.rest_key}" \\\n  {self.url}\n'

    @property
    def python(self) -> str:
        """For Python 3, which needs nothing installed."""
        return f"""\
import json
from urllib.request import Request, urlopen

request = Request(
    "{self.url}",
    headers={{"X-Authorization": "{self.rest_key}"}},
)
with urlopen(request, timeout=10) as response:
    stats = json.load(response)
for row in stats["detail"]:
    opens = row["direct_open"] + row["influenced_open"]
    rate = opens / row["sent"] if row["sent"] else 0
    print(f"{{row['date']}}  {{row['sent']}} sent  {{rate:.1%}} opened")
"""

    @property
    def php(self) -> str:
        """For PHP 7.3 or later, with its cURL extension."""
        return f"""\
<?php
$call = curl_init("{self.url}");
curl_setopt_array($call, [
    CURLOPT_HTTPHEADER => ["X-Authorization: {self.rest_key}"],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
]);
$stats = json_decode(curl_exec($call), true, 512, JSON_THROW_ON_ERROR);
foreach ($stats["detail"] as $row) {{
    $opens = $row["direct_open"] + $row["influenced_open"];
    $rate = $row["sent"] ? 100 * $opens / $row["sent"] : 0;
    printf("%s  %d sent  %.1f%% opened\\n", $row["date"], $row["sent"], $rate);
}}
"""
