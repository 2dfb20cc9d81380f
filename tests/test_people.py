"""Who may sign in, for how long, and what is written down of changes."""

from __future__ import annotations

import os
import subprocess
import termios
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest

from openrate import people
from openrate.commands import table
from openrate.commands.requests import (
    CreateApp,
    CreateKey,
    RemoveCredentials,
    RevokeKey,
    SetApp,
    SetCompany,
    SetCredentials,
)
from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.errors import ApiMisuse, OpenrateError, UsageError
from openrate.folder import DataFolder
from openrate.model import DAY_MS, Action, By, Person, Platform, ProviderName, Role, Rule, Sender
from program import ENVIRONMENT, OPENRATE, answer, openrate, refusal

NOW = 1_790_000_000_000
BY = By("ada@example.com", NOW)
RIGHT = "correct horse battery"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    opened = Parts(Settings(data=tmp_path), DataFolder(tmp_path))
    opened.records.create_company("Acme", Rule())
    yield opened
    opened.close()


@pytest.fixture
def ada(parts: Parts) -> Person:
    person = people.add(parts.people, 1, "Ada@Example.com ", Role.MANAGER, BY)
    people.set_password(parts.people, person, RIGHT, BY)
    return person


class Talk:
    by = "ada@example.com"

    def progress(self, done: int, total: int) -> None:
        """Nobody looks."""

    def items(self, items: list[object]) -> None:
        """Nobody looks."""


def test_somebody_signs_in_with_their_address_in_any_case_and_their_password(
    parts: Parts, ada: Person
) -> None:
    secret = people.sign_in(parts.people, " ADA@example.com", RIGHT, "Firefox", NOW)
    session = people.session_of(parts.people, secret, NOW + 1)
    assert session is not None
    assert (session.person.email, session.person.role, session.agent) == (ada.email, Role.MANAGER, "Firefox")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", RIGHT[:-1]),
        ("bob@example.com", RIGHT),
        ("ada@example.com", ""),
        ("", "x" * 100_000),
    ],
)
def test_who_is_wrong_about_either_hears_the_same(
    parts: Parts, ada: Person, email: str, password: str
) -> None:
    assert ada.email == "ada@example.com"
    with pytest.raises(ApiMisuse, match="do not belong together"):
        people.sign_in(parts.people, email, password, "", NOW)


def test_a_person_without_a_password_cannot_sign_in(parts: Parts) -> None:
    people.add(parts.people, 1, "bob@example.com", Role.VIEWER, BY)
    with pytest.raises(ApiMisuse):
        people.sign_in(parts.people, "bob@example.com", "", "", NOW)


@pytest.mark.parametrize("used", [NOW, NOW + people.UNUSED_MS])
def test_a_session_ends_a_week_after_it_was_used_last(parts: Parts, ada: Person, used: int) -> None:
    secret = people.sign_in(parts.people, ada.email, RIGHT, "", NOW)
    assert people.session_of(parts.people, secret, used)
    assert people.session_of(parts.people, secret, used + people.UNUSED_MS)
    assert people.session_of(parts.people, secret, used + 2 * people.UNUSED_MS + 1) is None


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(parts: Parts, ada: Person) -> None:
    secret = people.sign_in(parts.people, ada.email, RIGHT, "", NOW)
    for day in range(8):
        open_still = people.session_of(parts.people, secret, NOW + day * DAY_MS, is_used=False)
        assert (open_still is not None) is (day <= 7)
    assert people.session_of(parts.people, secret, NOW + people.UNUSED_MS + 1, is_used=False) is None


def test_a_session_ends_after_thirty_days_however_often_it_is_used(parts: Parts, ada: Person) -> None:
    secret = people.sign_in(parts.people, ada.email, RIGHT, "", NOW)
    for day in range(31):
        assert people.session_of(parts.people, secret, NOW + day * DAY_MS)
    assert people.session_of(parts.people, secret, NOW + people.SESSION_MS + 1) is None


def test_a_browser_is_signed_out_from_another(parts: Parts, ada: Person) -> None:
    here, there = (people.sign_in(parts.people, ada.email, RIGHT, "", NOW) for _ in range(2))
    lost = people.session_of(parts.people, there, NOW)
    assert lost
    assert not parts.people.end_session(ada.id + 1, lost.id)
    assert parts.people.end_session(ada.id, lost.id)
    assert people.session_of(parts.people, there, NOW) is None
    assert people.session_of(parts.people, here, NOW)


def test_all_browsers_of_one_person_are_signed_out_at_once_or_all_but_one(parts: Parts, ada: Person) -> None:
    bob = people.add(parts.people, 1, "bob@example.com", Role.EDITOR, BY)
    people.set_password(parts.people, bob, RIGHT, BY)
    here, *there = (people.sign_in(parts.people, ada.email, RIGHT, "", NOW) for _ in range(3))
    bobs = people.sign_in(parts.people, bob.email, RIGHT, "", NOW)
    kept = people.session_of(parts.people, here, NOW)
    assert kept
    parts.people.end_sessions(ada.id, but=kept.id)
    assert parts.people.sessions(ada.id) == [kept]
    assert [people.session_of(parts.people, secret, NOW) for secret in there] == [None, None]
    parts.people.end_sessions(ada.id)
    assert parts.people.sessions(ada.id) == []
    assert people.session_of(parts.people, bobs, NOW)


def test_a_new_password_ends_every_session_and_voids_the_old_one(parts: Parts, ada: Person) -> None:
    secret = people.sign_in(parts.people, ada.email, RIGHT, "", NOW)
    people.set_password(parts.people, ada, "another password", BY)
    assert people.session_of(parts.people, secret, NOW) is None
    with pytest.raises(ApiMisuse):
        people.sign_in(parts.people, ada.email, RIGHT, "", NOW)


def test_who_is_removed_is_out_at_once(parts: Parts, ada: Person) -> None:
    bob = people.add(parts.people, 1, "bob@example.com", Role.EDITOR, BY)
    people.set_password(parts.people, bob, RIGHT, BY)
    secret = people.sign_in(parts.people, bob.email, RIGHT, "", NOW)
    parts.people.remove(bob, BY)
    assert people.session_of(parts.people, secret, NOW) is None
    assert parts.people.of_company(1) == [parts.people.by_email(ada.email)[0]]  # type: ignore[index]  # she is there


def test_a_role_counts_from_the_next_page_on(parts: Parts, ada: Person) -> None:
    bob = people.add(parts.people, 1, "bob@example.com", Role.MANAGER, BY)
    people.set_password(parts.people, bob, RIGHT, BY)
    secret = people.sign_in(parts.people, ada.email, RIGHT, "", NOW)
    people.set_role(parts.people, ada, Role.VIEWER, By(bob.email, NOW))
    session = people.session_of(parts.people, secret, NOW)
    assert session
    assert session.person.role is Role.VIEWER


def test_a_company_keeps_a_manager_who_can_sign_in(parts: Parts, ada: Person) -> None:
    people.add(parts.people, 1, "bob@example.com", Role.EDITOR, BY)
    people.add(parts.people, 1, "invited@example.com", Role.MANAGER, BY)
    with pytest.raises(OpenrateError, match="only manager"):
        parts.people.remove(ada, BY)
    with pytest.raises(OpenrateError, match="only manager"):
        people.set_role(parts.people, ada, Role.EDITOR, BY)


def test_two_managers_who_take_the_role_from_each_other_do_not_both_succeed(
    parts: Parts, ada: Person
) -> None:
    bob = people.add(parts.people, 1, "bob@example.com", Role.MANAGER, BY)
    people.set_password(parts.people, bob, RIGHT, BY)
    both_are_ready = threading.Barrier(2)

    def demote(person: Person) -> None:
        both_are_ready.wait()
        with suppress(OpenrateError):
            people.set_role(parts.people, person, Role.VIEWER, BY)

    for _ in range(20):
        with ThreadPoolExecutor() as threads:
            list(threads.map(demote, (ada, bob)))
        (left,) = (each for each in parts.people.of_company(1) if each.role is Role.MANAGER)
        for person in parts.people.of_company(1):
            if person != left:
                people.set_role(parts.people, person, Role.MANAGER, By(left.email, NOW))


def test_an_address_is_one_persons_in_all_companies(parts: Parts, ada: Person) -> None:
    other = parts.records.create_company("Other", Rule())
    with pytest.raises(OpenrateError, match="in use already"):
        people.add(parts.people, other.id, ada.email.upper(), Role.VIEWER, BY)


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c", "x" * 300 + "@a.b"]
)
def test_what_is_no_address_is_refused(parts: Parts, email: str) -> None:
    with pytest.raises(UsageError, match=r"name@example\.com"):
        people.add(parts.people, 1, email, Role.VIEWER, BY)


@pytest.mark.parametrize("password", ["", "short one", "x" * 201])
def test_a_password_has_ten_to_two_hundred_characters(parts: Parts, ada: Person, password: str) -> None:
    with pytest.raises(UsageError, match="10 to 200"):
        people.set_password(parts.people, ada, password, BY)


def test_a_link_lets_its_person_choose_a_password_once_and_for_three_days(parts: Parts, ada: Person) -> None:
    old, new = (people.make_link(parts.people, ada, BY) for _ in range(2))
    assert parts.people.by_link(people.hashed(old), NOW) is None
    assert parts.people.by_link(people.hashed(new), NOW + people.LINK_MS) is None
    found = parts.people.by_link(people.hashed(new), NOW + people.LINK_MS - 1)
    assert found
    people.set_password(parts.people, found, "chosen by myself", BY)
    assert parts.people.by_link(people.hashed(new), NOW) is None
    said = [(entry.by, entry.subject) for entry in parts.audit.entries(1) if "link" in entry.details]
    assert said == [(BY.name, ada.email)] * 2


def test_neither_passwords_nor_secrets_lie_in_the_database(parts: Parts, ada: Person, tmp_path: Path) -> None:
    secrets = [
        people.sign_in(parts.people, ada.email, RIGHT, "", NOW),
        people.make_link(parts.people, ada, BY),
    ]
    parts.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"ada@example.com" in stored
    assert not [secret for secret in (RIGHT, *secrets) if secret.encode() in stored]


def test_the_audit_log_tells_who_changed_what(parts: Parts) -> None:
    def run(request: object) -> dict[str, str]:
        return table.run(parts, request, Talk())  # type: ignore[arg-type,no-any-return]  # it is one of the table's

    made = run(CreateApp("Acme", "Shop", Platform.IOS))
    key = run(CreateKey("Acme"))
    live = made["live_key"]
    for request in (
        RevokeKey("Acme", int(key["id"])),
        RevokeKey("Acme", int(key["id"])),
        SetApp(live, Sender.OPENRATE, 60),
        SetCompany("Acme", influence_window=60),
        SetCredentials(live, ProviderName.STUB),
        RemoveCredentials(live),
    ):
        run(request)
    said = [(entry.action, entry.subject, entry.details) for entry in parts.audit.entries(1)]
    assert said == [
        (Action.CREDENTIALS_REMOVED, "Shop", {}),
        (Action.CREDENTIALS_SET, "Shop", {"provider": (None, "stub")}),
        (Action.WINDOWS_CHANGED, "Acme", {"influence_window": (10800, 60)}),
        (Action.APP_CHANGED, "Shop", {"sender": ("external", "openrate"), "send_rate": (None, 60)}),
        (Action.KEY_REVOKED, str(key["id"]), {}),
        (Action.KEY_CREATED, str(key["id"]), {"scope": (None, "full")}),
        (Action.APP_CREATED, "Shop", {"platform": (None, "ios"), "sender": (None, "external")}),
    ]
    assert {entry.by for entry in parts.audit.entries(1)} == {"ada@example.com"}


def test_the_audit_log_is_read_in_pages_and_by_subject_and_only_the_companys_own(parts: Parts) -> None:
    other = parts.records.create_company("Other", Rule(), BY)
    for scope in range(5):
        people.add(parts.people, 1, f"p{scope}@example.com", Role.VIEWER, BY)
    first = parts.audit.entries(1, limit=2)
    assert [entry.subject for entry in first] == ["p4@example.com", "p3@example.com"]
    second = parts.audit.entries(1, before=first[-1].id, limit=2)
    assert [entry.subject for entry in second] == ["p2@example.com", "p1@example.com"]
    assert [entry.action for entry in parts.audit.entries(1, subject="p0@example.com")] == [
        Action.PERSON_ADDED
    ]
    assert [entry.subject for entry in parts.audit.entries(other.id)] == ["Other"]
    people.add(parts.people, 1, "last@example.com", Role.VIEWER, By("bob@example.com", NOW))
    assert [entry.subject for entry in parts.audit.entries(1, by="bob@example.com")] == ["last@example.com"]


def test_a_change_that_fails_is_not_in_the_audit_log(parts: Parts, ada: Person) -> None:
    before = parts.audit.entries(1)
    with pytest.raises(OpenrateError):
        people.add(parts.people, 1, ada.email, Role.VIEWER, BY)
    assert parts.audit.entries(1) == before


def test_a_campaign_changed_over_http_has_a_history(parts: Parts) -> None:
    made = table.run(parts, CreateApp("Acme", "Shop", Platform.IOS), Talk())
    app = parts.records.app_by_key(made["live_key"])
    assert app
    token = "a" * 32
    given = {"name": "Spring", "live": False, "messages": [{"body": "x" * 5_000}]}
    parts.records.create_campaign(
        app.id, token, given, has_versions=False, dev_only=False, at=NOW, was_live=False, by=BY
    )

    def renamed(campaign: object) -> object:
        return msgspec.structs.replace(campaign, parameters=given | {"name": "Summer", "messages": []})  # type: ignore[type-var]  # a campaign

    parts.records.update_campaign(app.id, token, renamed, By("REST key 3", NOW))  # type: ignore[arg-type]  # the same
    parts.records.update_campaign(app.id, token, lambda campaign: campaign, BY)
    parts.records.delete_campaign(app.id, token, NOW, BY)
    entries = parts.audit.entries(1, subject=token)
    assert [entry.action for entry in entries] == [
        Action.CAMPAIGN_DELETED,
        Action.CAMPAIGN_CHANGED,
        Action.CAMPAIGN_CREATED,
    ]
    changed = entries[1]
    assert (changed.by, changed.details["name"]) == ("REST key 3", ("Spring", "Summer"))
    long, now = changed.details["messages"]
    assert len(long) < 2_100
    assert now == []


def test_people_are_made_listed_changed_and_removed_by_the_command_line(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    answer("app", "create", "--company", "Acme", "--name", "Shop", "--platform", "ios", *data)
    made = openrate(
        "user", "create", "--company", "Acme", "--email", "ada@example.com", *data, stdin=RIGHT + "\n"
    )
    assert made.returncode == 0, made.stderr
    assert "manager" in made.stdout
    options = ("--company", "Acme", "--email", "bob@example.com", "--role", "viewer")
    assert openrate("user", "create", *options, *data, stdin=RIGHT).returncode == 0
    assert openrate("user", "set", "--email", "bob@example.com", "--role", "editor", *data).returncode == 0
    assert [(each["email"], each["role"]) for each in answer("user", "list", *data)] == [
        ("ada@example.com", "manager"),
        ("bob@example.com", "editor"),
    ]
    assert "only manager" in refusal("user", "remove", "--email", "ada@example.com", *data)
    assert answer("user", "remove", "--email", "bob@example.com", *data)["removed"]
    assert "no company Zeta" in refusal("user", "create", "--company", "Zeta", "--email", "a@b.c", *data)
    too_short = openrate("user", "set", "--email", "ada@example.com", "--password", *data, stdin="short")
    assert (too_short.returncode, "10 to 200" in too_short.stderr) == (2, True)


def ask_on_a_terminal(words: tuple[str, ...], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal, and type each answer at its question, when nothing typed is shown.

    Returns:
        Its exit code and all that the terminal showed.
    """
    ours, theirs = os.openpty()
    command = ["setsid", "--ctty", "--wait", *OPENRATE, *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT) as process:
        os.close(theirs)
        shown = ""
        for question, typed in answers:
            while not shown.endswith(question):
                shown += os.read(ours, 1000).decode()
            while termios.tcgetattr(ours)[3] & termios.ECHO:
                pass
            os.write(ours, typed.encode() + b"\n")
            shown += "|"
        code = process.wait(60)
    with suppress(OSError):  # how Linux says that nothing more comes
        while more := os.read(ours, 1000):
            shown += more.decode()
    os.close(ours)
    return code, shown


def test_on_a_terminal_a_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    answer("app", "create", "--company", "Acme", "--name", "Shop", "--platform", "ios", *data)
    again = "Repeat for confirmation: "
    typed = [("Password: ", RIGHT), (again, "something else"), ("Password: ", RIGHT), (again, RIGHT)]
    code, shown = ask_on_a_terminal(
        ("user", "create", "--company", "Acme", "--email", "ada@example.com", *data), typed
    )
    assert code == 0, shown
    assert "do not match" in shown
    assert not [each for _, each in typed if each in shown]
    folder = DataFolder(tmp_path / "data")
    with closing(Parts(Settings(data=tmp_path / "data"), folder)) as parts:
        assert people.sign_in(parts.people, "ada@example.com", RIGHT, "", NOW)
