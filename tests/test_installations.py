"""Installations prove who they are, and a retired one is gone for good."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import jwt
import msgspec
import pytest

from openrate.errors import (
    ApiMisuse,
    AuthenticationInvalid,
    MalformedJsonBody,
    MalformedParameter,
    MissingParameter,
    RouteNotFound,
    StoreFull,
)
from openrate.installations import Installations
from openrate.model import App, FactType, Installation, Platform, Sender
from openrate.ports.event_log import FactColumns
from openrate.registration import read_registration

SECRET = "s" * 22
IOS = App(1, 1, "shop", Platform.IOS, Sender.EXTERNAL, "L", "D", "S")
OTHER = App(2, 1, "news", Platform.IOS, Sender.EXTERNAL, "L2", "D2", "S2")
WEB = App(3, 1, "site", Platform.WEB, Sender.EXTERNAL, "L3", "D3", "S3")


class FewRecords:
    """The records an installation needs."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, bool, str], Installation] = {}
        self.versions: dict[tuple[int, bool, str], int] = {}
        self.secrets: dict[str, bytes] = {}
        self.reads = 0

    def installation(self, app_id: int, dev: bool, installation_id: str) -> Installation | None:
        self.reads += 1
        return self.kept.get((app_id, dev, installation_id))

    def put_installation(self, installation: Installation, at: int) -> bool:
        assert at == 1000
        name = (installation.app_id, installation.dev, installation.installation_id)
        version = max(installation.token_version, self.versions.get(name, 0) + 1)
        is_new = name not in self.kept
        if is_new:
            installation = msgspec.structs.replace(installation, token_version=version)
        self.kept[name] = installation
        return is_new

    def delete_installation(self, app_id: int, dev: bool, installation_id: str) -> bool:
        gone = self.kept.pop((app_id, dev, installation_id), None)
        if gone is not None:
            self.versions[(app_id, dev, installation_id)] = gone.token_version
        return gone is not None

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        return self.secrets.setdefault(name, make())

    def replace_secret(self, name: str, value: bytes) -> None:
        self.secrets[name] = value


class FewFacts:
    """An event log that keeps what it is given, or is full."""

    def __init__(self) -> None:
        self.appended: list[tuple[int, bool, FactColumns]] = []
        self.is_full = False

    def append(self, app_id: int, dev: bool, facts: FactColumns) -> Future[None]:
        done: Future[None] = Future()
        if self.is_full:
            done.set_exception(StoreFull("full"))
        else:
            self.appended.append((app_id, dev, facts))
            done.set_result(None)
        return done


class At1000:
    def now(self) -> int:
        return 1000


@pytest.fixture
def records() -> FewRecords:
    return FewRecords()


@pytest.fixture
def log() -> FewFacts:
    return FewFacts()


@pytest.fixture
def installations(records: FewRecords, log: FewFacts) -> Installations:
    return Installations(records, log, At1000())  # type: ignore[arg-type]  # as much of the ports as is used


def register(
    installations: Installations,
    app: App = IOS,
    *,
    dev: bool = False,
    bearer: str | None = None,
    is_server: bool = False,
    **fields: object,
) -> tuple[str, str, bool]:
    body = msgspec.json.encode({"platform": app.platform, **fields})
    return installations.register(app, dev, read_registration(body), bearer=bearer, is_server=is_server)


def test_a_first_registration_is_a_fact_before_it_is_a_record(
    installations: Installations, records: FewRecords, log: FewFacts
) -> None:
    log.is_full = True
    with pytest.raises(StoreFull):
        register(installations, installation_id="i")
    assert not records.kept
    log.is_full = False
    name, token, is_new = register(installations, installation_id="i")
    assert (name, is_new) == ("i", True)
    assert installations.speaker(IOS, False, token) == "i"
    ((app_id, dev, facts),) = log.appended
    assert (app_id, dev, facts.installations, facts.ats.tolist()) == (IOS.id, False, ["i"], [1000])
    assert [kind.type for kind in facts.kinds] == [FactType.INSTALLED]


def test_a_lost_answer_locks_nobody_out(installations: Installations, log: FewFacts) -> None:
    _, token, _ = register(installations, installation_id="i", installation_secret=SECRET)
    again = register(installations, installation_id="i", installation_secret=SECRET)
    assert again == ("i", token, False)
    assert len(log.appended) == 1


def test_an_id_without_its_proof_is_refused(installations: Installations) -> None:
    register(installations, installation_id="i", installation_secret=SECRET)
    _, other, _ = register(installations, installation_id="j")
    with pytest.raises(AuthenticationInvalid):
        register(installations, installation_id="i")
    with pytest.raises(AuthenticationInvalid):
        register(installations, installation_id="i", installation_secret="t" * 22)
    with pytest.raises(AuthenticationInvalid):
        register(installations, installation_id="i", bearer=other)
    with pytest.raises(AuthenticationInvalid):
        register(installations, installation_id="i", bearer="")
    assert register(installations, installation_id="i", is_server=True)[0] == "i"


def test_a_refresh_by_token_needs_no_id_and_keeps_what_it_does_not_name(
    installations: Installations, records: FewRecords
) -> None:
    name, token, _ = register(installations, language="fr", push_token="t", opted_in=False)  # noqa: S106 - not a password
    assert register(installations, bearer=token, language="de") == (name, token, False)
    kept = records.kept[(IOS.id, False, name)]
    assert (kept.language, kept.push_token, kept.opted_in) == ("de", "t", False)
    register(installations, bearer=token, push_token=None)
    assert records.kept[(IOS.id, False, name)].push_token is None


def test_nobody_changes_the_secret_of_an_installation(
    installations: Installations, records: FewRecords
) -> None:
    _, token, _ = register(installations, installation_id="i", installation_secret=SECRET)
    before = records.kept[(IOS.id, False, "i")].secret_hash
    register(installations, bearer=token, installation_secret="t" * 22)
    assert records.kept[(IOS.id, False, "i")].secret_hash == before
    assert before is not None
    assert SECRET.encode() not in before


def test_a_token_is_good_in_its_app_and_world_only(installations: Installations) -> None:
    _, token, _ = register(installations, installation_id="i")
    register(installations, OTHER, installation_id="i")
    register(installations, dev=True, installation_id="i")
    for app, dev in ((OTHER, False), (IOS, True)):
        with pytest.raises(AuthenticationInvalid):
            installations.speaker(app, dev, token)


def test_a_retired_token_is_void_at_once_and_after_registering_again(installations: Installations) -> None:
    _, token, _ = register(installations, installation_id="i")
    assert installations.speaker(IOS, False, token) == "i"
    installations.retire(IOS, False, "i")
    with pytest.raises(AuthenticationInvalid):
        installations.speaker(IOS, False, token)
    with pytest.raises(RouteNotFound):
        installations.retire(IOS, False, "i")
    _, second, is_new = register(installations, installation_id="i")
    assert is_new
    assert installations.speaker(IOS, False, second) == "i"
    with pytest.raises(AuthenticationInvalid):
        installations.speaker(IOS, False, token)


def test_a_known_token_is_not_looked_up_again(installations: Installations, records: FewRecords) -> None:
    _, token, _ = register(installations, installation_id="i")
    installations.speaker(IOS, False, token)
    reads = records.reads
    assert installations.remembered(IOS, False, token) == "i"
    assert installations.speaker(IOS, False, token) == "i"
    assert records.reads == reads
    assert installations.remembered(IOS, False, token[:-2] + "xx") is None


def test_forged_tokens_are_refused(installations: Installations) -> None:
    _, token, _ = register(installations, installation_id="i")
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    unsigned = jwt.encode(claims, "", algorithm="none")
    forged = [
        jwt.encode(claims, b"k" * 32, algorithm="HS256"),
        unsigned,
        f"{unsigned}x",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.x",
        "..",
        "a.b.c",
        "",
        "é.é.é",
        "\x00",
        f"{head}.{'!' * 50}.{signature}",
    ]
    for wrong in forged:
        with pytest.raises(AuthenticationInvalid):
            installations.speaker(IOS, False, wrong)


def test_rotation_keeps_tokens_good_once_and_voids_them_twice(installations: Installations) -> None:
    _, token, _ = register(installations, installation_id="i", installation_secret=SECRET)
    installations.rotate_key()
    assert installations.speaker(IOS, False, token) == "i"
    _, second, _ = register(installations, installation_id="i", installation_secret=SECRET)
    assert second != token
    installations.rotate_key()
    assert installations.speaker(IOS, False, second) == "i"
    with pytest.raises(AuthenticationInvalid):
        installations.speaker(IOS, False, token)


def test_a_device_is_not_believed_about_who_it_belongs_to(
    installations: Installations, records: FewRecords
) -> None:
    for fields in ({"custom_id": "u"}, {"attributes": {"a": 1}}, {"custom_id": None}):
        with pytest.raises(ApiMisuse):
            register(installations, **fields)
    register(installations, installation_id="i", is_server=True, custom_id="u", attributes={"a": 1})
    assert records.kept[(IOS.id, False, "i")].custom_id == "u"


def test_another_platform_than_the_apps_is_refused(installations: Installations) -> None:
    with pytest.raises(MalformedParameter, match="platform"):
        register(installations, platform="android")


def test_a_browser_gives_its_subscription(installations: Installations, records: FewRecords) -> None:
    subscription = {"endpoint": "https://push.example/1", "keys": {"p256dh": "p", "auth": "a"}}
    register(installations, WEB, installation_id="w", push_token=subscription)
    kept = records.kept[(WEB.id, False, "w")].push_token
    assert kept is not None
    assert msgspec.json.decode(kept) == subscription


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"installation_id": ""}, MalformedParameter),
        ({"installation_id": "x" * 65}, MalformedParameter),
        ({"installation_id": "a b"}, MalformedParameter),
        ({"installation_id": "a\n"}, MalformedParameter),
        ({"installation_id": None}, MalformedParameter),
        ({"installation_id": 7}, MalformedParameter),
        ({"installation_secret": "short"}, MalformedParameter),
        ({"installation_secret": "x" * 65}, MalformedParameter),
        ({"platform": "windows"}, MalformedParameter),
        ({"push_token": "x" * 4097}, MalformedParameter),
        ({"push_token": 5}, MalformedParameter),
        ({"push_token": {"endpoint": "https://x", "keys": {"p256dh": "p", "auth": "a"}}}, MalformedParameter),
        ({"platform": "web", "push_token": "text"}, MalformedParameter),
        ({"platform": "web", "push_token": {"endpoint": "http://x"}}, MalformedParameter),
        (
            {
                "platform": "web",
                "push_token": {"endpoint": "https://x\0", "keys": {"p256dh": "p", "auth": "a"}},
            },
            MalformedParameter,
        ),
        (
            {
                "platform": "web",
                "push_token": {"endpoint": "https://x", "keys": {"p256dh": "p", "auth": "\0"}},
            },
            MalformedParameter,
        ),
        ({"language": "x" * 65}, MalformedParameter),
        ({"language": "\x00"}, MalformedParameter),
        ({"opted_in": "yes"}, MalformedParameter),
        ({"opted_in": None}, MalformedParameter),
        ({"attributes": {"a": {"b": 1}}}, MalformedParameter),
        ({"attributes": {str(n): n for n in range(65)}}, MalformedParameter),
        ({"attributes": {"a": "x" * 513}}, MalformedParameter),
        ({"attributes": {"": 1}}, MalformedParameter),
        ({"attributes": []}, MalformedParameter),
    ],
)
def test_every_field_is_bounded(fields: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error) as refusal:
        read_registration(msgspec.json.encode({"platform": "ios", **fields}))
    assert list(fields)[-1].split("_")[0] in str(refusal.value)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'"x"', b'{"platform":"\xff"}', b"[" * 100_000]
)
def test_what_is_no_object_is_malformed_json(body: bytes) -> None:
    with pytest.raises(MalformedJsonBody):
        read_registration(body)


def test_a_platform_is_required() -> None:
    with pytest.raises(MissingParameter, match="platform"):
        read_registration(b"{}")
