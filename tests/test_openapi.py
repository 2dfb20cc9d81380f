"""The description is complete, and the server keeps to it whatever it is sent."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema_rs import Draft202012Validator
from schemathesis.config import SchemathesisConfig

from conftest import World
from openrate.web.openapi.document import document

DOCUMENT = document()
_CATALOGUE = {400: {30, 31, 32}, 401: {10}, 403: {12}, 404: {20}, 405: {20}, 413: {31}, 429: {60}, 503: {2}}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def schema_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands alone."""
    return {**schema, "components": DOCUMENT["components"]}


PAGES = {
    "",
    "account",
    "activity",
    "audience",
    "campaigns",
    "settings",
    "sign-in",
    "sign-out",
    "static",
    "welcome",
}
"""What is for people begins with these, and is no interface for programs."""


def test_every_route_is_described_and_every_description_has_a_route(world: World) -> None:
    served = {
        (method, re.sub(r"{(\w+):str}", r"{\1}", route.path_format))
        for route in world.routes
        for method in route.methods - {"OPTIONS"}
        if route.path_format.split("/")[1] not in PAGES
    }
    assert served == {(method, path) for method, path, _ in operations()}


def test_the_server_gives_the_whole_description(world: World) -> None:
    assert world.client.get("/openapi.json").json() == DOCUMENT


def test_every_operation_names_its_errors_and_shows_what_it_answers() -> None:
    for method, path, operation in operations():
        statuses = set(operation["responses"])
        assert {"500", "503"} <= statuses, path
        if path.startswith(("/1.1", "/v1")):
            assert {"401", "403", "429"} <= statuses, path
            assert operation["security"], path
        if "requestBody" in operation:
            assert {"400", "413"} <= statuses, path
        assert operation["summary"], method


def examples(content: dict[str, Any]) -> list[Any]:
    shown = [e["value"] for e in content.get("examples", {}).values()]
    return [*shown, *([content["example"]] if "example" in content else [])]


def test_every_example_fits_its_schema() -> None:
    checked = 0
    bodies = [op["requestBody"] for _, _, op in operations() if "requestBody" in op]
    answers = [r for _, _, op in operations() for r in op["responses"].values() if "content" in r]
    for described in [*bodies, *answers, *DOCUMENT["components"]["responses"].values()]:
        for content in described["content"].values():
            validator = Draft202012Validator(schema_of(content["schema"]))
            for example in examples(content):
                validator.validate(example)
                checked += 1
    assert checked > 20


def test_the_page_shows_everything_and_loads_nothing(world: World) -> None:
    page = world.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for method, path, operation in operations():
        assert path in page.text
        assert operation["operationId"] in page.text
        assert method in page.text
    targets = set(re.findall(r"<div id='([^']+)'", page.text))
    assert set(re.findall(r"href='#([^']+)'", page.text)) <= targets  # in a fold, which a browser then opens
    loads = re.findall(r"<(?:script|img|iframe|link|object)|@import|url\(|src=", page.text)
    assert loads == []
    assert "<a href='/campaigns'>Openrate</a>" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"mode": "all", "allow-x00": True, "max-examples": 25},
        "checks": {
            "unsupported_method": {"enabled": True},
            # Unknown fields are kept or ignored on purpose, and a fact that is refused is still a 200.
            "negative_data_rejection": {"enabled": False},
            # A valid body can still name a campaign or an installation that does not exist.
            "positive_data_acceptance": {"enabled": False},
            # A key of the wrong form is no key: 401 comes before any look at the rest.
            "missing_required_header": {"enabled": False},
        },
    }
)


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: Any, value: Any) -> bytes:
    """Whatever was made up, as the body."""
    return str(value).encode(errors="surrogatepass")


SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
FUZZ = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@SCHEMA.parametrize()
@FUZZ
def test_any_request_gets_an_answer_of_the_description(case: Any, fuzzed_world: World) -> None:
    """Half of the requests have keys that open something, so that the handlers behind are tried as well."""
    if "key" in (case.path_parameters or {}) and case.path_parameters["key"] != "0":
        case.path_parameters["key"] = fuzzed_world.shop.live
    if "token" in (case.path_parameters or {}):
        case.path_parameters["token"] = fuzzed_world.token
    headers = {} if case.path.startswith("/metrics") else fuzzed_world.shop.server
    response = case.call_and_validate(base_url=fuzzed_world.address, headers=headers)
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.json()["code"] in _CATALOGUE[response.status_code]
    assert "Traceback" not in response.text


@SCHEMA.parametrize()
@FUZZ
def test_any_request_without_keys_gets_an_answer_of_the_catalogue(case: Any, fuzzed_world: World) -> None:
    response = case.call(base_url=fuzzed_world.address)
    assert response.status_code < 500
    if response.status_code >= 400 and response.content:
        assert response.json()["code"] in _CATALOGUE[response.status_code]
    assert fuzzed_world.client.get("/healthz").status_code == 200
