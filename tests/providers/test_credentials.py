"""Credentials: given on the command line, sealed in the data folder, shown without their secrets."""

from __future__ import annotations

import json
import secrets
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.fernet import Fernet

from openrate import companies
from openrate.commands.requests import SetCredentials
from openrate.config import Settings, settings_from
from openrate.credentials import (
    FCM_URL,
    Credentials,
    Seal,
    StubCredentials,
    check_reach,
    public_parts,
    read_credentials,
    seal_of,
)
from openrate.errors import StoreError, UsageError
from openrate.model import By, Platform, ProviderName, Sender
from openrate.providers.apns import ApnsProvider
from openrate.providers.by_credentials import provider_for
from openrate.providers.fcm import FcmProvider
from openrate.providers.stub import StubProvider
from openrate.providers.webpush import WebPushProvider
from openrate.storage.credentials import SqlCredentials
from openrate.storage.database import Database
from openrate.storage.records import SqlRecords
from program import answer, refusal, server
from providers import keys

BY = By("ada@example.com", 0)
APNS = ("--key-id", "ABCDE12345", "--team-id", "TEAM567890", "--topic", "com.example.shop")
ALL: list[Credentials] = [keys.fcm("https://x.example"), keys.apns(None), keys.webpush(), StubCredentials()]


def account(**changed: Any) -> str:
    given = {
        "type": "service_account",
        "project_id": "shop-1",
        "private_key": keys.rsa_pem(),
        "private_key_id": "abc123",
        "client_email": "sender@shop-1.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }
    return json.dumps({name: value for name, value in (given | changed).items() if value is not None})


class Command:
    """openrate app credentials, for an app of one platform."""

    def __init__(self, folder: Path, platform: str) -> None:
        self.data = folder / "data"
        self.file = folder / "given"
        options = ("--company", "Acme", "--name", platform, "--platform", platform)
        self.key = answer("app", "create", *options, "--data", str(self.data))["live_key"]

    def words(self, verb: str, *options: str) -> tuple[str, ...]:
        return ("app", "credentials", verb, "--app", self.key, "--data", str(self.data), *options)

    def set(self, provider: str, content: str | None, *options: str) -> tuple[str, ...]:
        if content is not None:
            self.file = self.file.with_name(f"given-{secrets.token_hex(4)}")
            self.file.write_text(content)
            options = (*options, "--file", str(self.file))
        return self.words("set", "--provider", provider, *options)


def secrets_in(folder: Path) -> list[str]:
    """The files of a folder that hold a line of a private key."""
    lines = [pem.splitlines()[2].encode() for pem in (keys.rsa_pem(), keys.p256_pem())]
    return [
        path.name
        for path in folder.iterdir()
        if path.is_file() and any(s in path.read_bytes() for s in lines)
    ]


def test_a_service_account_is_taken_shown_without_its_key_and_removed(tmp_path: Path) -> None:
    command = Command(tmp_path, "android")
    made = answer(*command.set("fcm", account()))
    assert made == answer(*command.words("show"))
    assert made == {
        "app": "android",
        "platform": "android",
        "provider": "fcm",
        "project_id": "shop-1",
        "token_uri": "https://oauth2.googleapis.com/token",
        "base_url": "https://fcm.googleapis.com",
    }
    assert secrets_in(command.data) == []
    assert stat.S_IMODE((command.data / "credentials.key").stat().st_mode) == 0o600
    assert answer(*command.words("remove")) == {"app": "android", "removed": True}
    assert "has no credentials" in refusal(*command.words("show"))
    assert "has no credentials" in refusal(*command.words("remove"))


def test_a_running_server_takes_credentials_and_logs_nothing_of_them(tmp_path: Path) -> None:
    command = Command(tmp_path, "ios")
    with server(command.data):
        made = answer(*command.set("apns", keys.p256_pem(), *APNS))
        assert made == answer(*command.words("show"))
    assert (made["key_id"], made["team_id"], made["topic"]) == (
        "ABCDE12345",
        "TEAM567890",
        "com.example.shop",
    )
    command.file.unlink()
    assert secrets_in(command.data) == secrets_in(tmp_path) == []


def test_a_vapid_key_is_made_once_and_kept_unless_another_is_brought(tmp_path: Path) -> None:
    command = Command(tmp_path, "web")
    first = answer(*command.set("webpush", None, "--subject", "mailto:push@shop.example"))
    again = answer(*command.set("webpush", None, "--subject", "https://shop.example/contact"))
    assert first["public_key"] == again["public_key"]
    assert again["subject"] == "https://shop.example/contact"
    brought = answer(*command.set("webpush", keys.p256_pem(), "--subject", "mailto:push@shop.example"))
    assert brought["public_key"] == keys.webpush().public_key != first["public_key"]


def test_the_stub_is_used_when_it_is_named(tmp_path: Path) -> None:
    command = Command(tmp_path, "ios")
    assert answer(*command.set("stub", None))["provider"] == "stub"
    assert answer(*command.set("stub", '{"journal": "/tmp/j", "latency_ms": 5}'))["latency_ms"] == 5


def test_what_cannot_work_is_refused_in_one_sentence(tmp_path: Path) -> None:
    command = Command(tmp_path, "ios")
    pem = keys.p256_pem()
    for words, says in (
        (command.set("fcm", account()), "apns or stub is accepted"),
        (command.set("webpush", None, "--subject", "mailto:a@b.example"), "does not reach an app on ios"),
        (command.set("apns", None, *APNS), "--file is missing"),
        (command.set("apns", "no key", *APNS), "the .p8 file is no private key"),
        (command.set("apns", keys.rsa_pem(), *APNS), "no key on the curve P-256"),
        (command.set("apns", pem, *APNS[2:]), "--key-id is missing"),
        (command.set("apns", pem, *APNS, "--topic", "a b"), "--topic is wrong"),
        (command.set("apns", pem, *APNS, "--team-id", "short"), "--team-id is wrong"),
        (command.set("apns", pem, *APNS, "--base-url", "http://x.example"), "--base-url is wrong"),
        (
            command.set("apns", pem, *APNS, "--subject", "mailto:a@b.example"),
            "--subject means nothing to apns",
        ),
        (command.set("stub", '{"latency_ms": "long"}'), "The file is not the stub's"),
        (command.set("apns", "x" * 70_000, *APNS), "too long"),
        (
            command.words("set", "--provider", "apns", "--file", str(tmp_path / "none"), *APNS),
            "cannot be read",
        ),
    ):
        sentence = refusal(*words, code=2)
        assert says in sentence
        assert not any(line in sentence for line in pem.splitlines())
    assert "no app's Live key" in refusal(
        "app", "credentials", "show", "--app", "X", "--data", str(command.data)
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not a service account's"),
        ("[]", "not a service account's"),
        ("[" * 5000, "not a service account's"),
        (account(private_key=None), "private_key"),
        (account(type="authorized_user"), "service_account is accepted"),
        (account(project_id="../x"), "project_id in the file is wrong"),
        (account(token_uri="http://x.example"), "token_uri in the file is wrong"),  # noqa: S106 - an address
        (account(private_key="-----BEGIN"), "no private key in PEM form"),
        (account(private_key=keys.p256_pem()), "no RSA key"),
    ],
)
def test_a_file_that_is_no_service_account_is_refused(content: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        read(content)
    assert "\n" not in str(refused.value)


def read(content: str) -> Credentials:
    request = SetCredentials("key", ProviderName.FCM, content)
    return read_credentials(ProviderName.FCM, Platform.ANDROID, request)


HERE = "https://127.0.0.1/"


@pytest.mark.parametrize(
    "credentials",
    [
        keys.fcm(HERE),
        msgspec.structs.replace(keys.fcm(FCM_URL), token_uri=HERE),
        keys.apns(HERE),
        StubCredentials(journal="/etc/passwd"),
        StubCredentials(down="/etc/passwd"),
    ],
)
def test_only_an_operator_says_whom_the_server_calls_and_what_it_writes_to(credentials: Credentials) -> None:
    with pytest.raises(UsageError, match="on the server"):
        check_reach(credentials)


def test_credentials_as_a_provider_gives_them_are_taken_from_anywhere() -> None:
    plain = read_credentials(
        ProviderName.FCM, Platform.ANDROID, SetCredentials("", ProviderName.FCM, account())
    )
    for credentials in (plain, keys.apns(None), keys.webpush(), StubCredentials()):
        check_reach(credentials)


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_what_is_sealed_comes_out_with_the_same_key_and_with_no_other(credentials: Credentials) -> None:
    seal = Seal(Fernet.generate_key().decode())
    sealed = seal.close(credentials)
    assert seal.open(sealed) == credentials
    assert sealed != seal.close(credentials)
    for wrong in (sealed[:-1], b"", sealed[:40] + sealed[40:].swapcase()):
        with pytest.raises(StoreError, match="sealed with another key"):
            seal.open(wrong)
    with pytest.raises(StoreError, match="sealed with another key"):
        Seal(Fernet.generate_key().decode()).open(sealed)


@pytest.mark.parametrize("credentials", ALL, ids=lambda one: type(one).__name__)
def test_neither_a_log_nor_a_screen_shows_a_secret(credentials: Credentials) -> None:
    for shown in (repr(credentials), str(credentials), str([credentials]), str(public_parts(credentials))):
        assert "PRIVATE KEY" not in shown
        assert "gserviceaccount" not in shown


def test_the_key_of_the_data_folder_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    sealed = seal_of(None, path).close(StubCredentials(latency_ms=7))
    assert seal_of(None, path).open(sealed) == StubCredentials(latency_ms=7)
    assert [entry.name for entry in tmp_path.iterdir()] == ["credentials.key"]


def test_a_key_from_the_environment_is_used_instead_and_no_file_is_made(tmp_path: Path) -> None:
    command = Command(tmp_path, "ios")
    key = Fernet.generate_key().decode()
    sentence = refusal(*command.set("stub", None), code=2, OPENRATE_CREDENTIALS_KEY="short")
    assert "32 bytes as base64url" in sentence
    seal = seal_of(key, tmp_path / "unused")
    assert seal.open(seal.close(StubCredentials())) == StubCredentials()
    assert not (tmp_path / "unused").exists()
    assert not (command.data / "credentials.key").exists()


def test_a_key_file_that_is_damaged_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="cannot be used"):
        seal_of(None, path)
    path.write_text("short")
    with pytest.raises(UsageError, match="32 bytes"):
        seal_of(None, path)


def test_each_app_has_the_credentials_that_were_set_last_and_no_other_s(tmp_path: Path) -> None:
    with closing(SqlRecords(tmp_path / "records.db")) as records:
        apps = [
            companies.create_app(records, "Acme", name, Platform.IOS, Sender.OPENRATE, BY).app
            for name in "ab"
        ]
    with closing(Database(tmp_path / "records.db")) as database:
        store = SqlCredentials(database)
        store.put(apps[0], ProviderName.STUB, b"old", BY)
        store.put(apps[0], ProviderName.APNS, b"new", BY)
        assert [store.get(app.id) for app in apps] == [b"new", None]
        assert store.apps() == {apps[0].id}
        assert [store.remove(app, BY) for app in apps] == [True, False]
        assert store.get(apps[0].id) is None
        assert store.apps() == set()


def test_credentials_name_their_provider() -> None:
    for credentials, kind in zip(
        ALL, (FcmProvider, ApnsProvider, WebPushProvider, StubProvider), strict=True
    ):
        with closing(provider_for(credentials, dev=False)) as provider:
            assert isinstance(provider, kind)


def test_push_services_of_one_s_own_are_settings(tmp_path: Path) -> None:
    given = {"OPENRATE_DATA": str(tmp_path), "OPENRATE_PUSH_SERVICES": "Push.example.org, *.example.net"}
    assert settings_from(given).push_services == ("push.example.org", "*.example.net")
    for wrong in ("https://push.example.org", "*", "10.0.0.1", "push.example.org:8443", "localhost"):
        with pytest.raises(UsageError, match="host names are accepted"):
            settings_from(given | {"OPENRATE_PUSH_SERVICES": wrong})


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    assert "secret" not in repr(Settings(data=tmp_path, credentials_key="secret", metrics_token="secret"))  # noqa: S106 - made up
