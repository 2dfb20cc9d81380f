"""Commands that take long: of two that change the same at once, wherever they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from dashboard import Site, serving_pages
from openrate.cli.terminal import Quiet
from openrate.commands import table
from openrate.commands.requests import CreateApp, SetApp, SetCompany
from openrate.control import ControlSocket, dial
from openrate.errors import OpenrateError, UsageError
from openrate.model import Platform, Rule, Sender
from sending import wait_until

HOUR = 3600
COMPANY = "Acme"


class Office(NamedTuple):
    """A server with its pages and its control socket."""

    site: Site
    control: Path

    def on_the_page(self, hours: int) -> str:
        """Change the influence window; returns what is shown then."""
        windows = {"influence_window": str(hours), "reengage_window": "3", "inactive_after": "30"}
        units = {"influence_window_unit": "h", "reengage_window_unit": "d", "inactive_after_unit": "d"}
        with self.site.client() as visitor:
            visitor.client.headers["Referer"] = self.site.address + "/settings/windows"
            answer = visitor.post("/settings/windows", sure="yes", **windows, **units)
            return visitor.get(answer.headers["location"]).text

    def on_the_command_line(self, hours: int) -> str:
        """The same; returns what is said when it is refused."""
        return self.ask(SetCompany(COMPANY, influence_window=hours * HOUR))

    def ask(self, request: msgspec.Struct) -> str:
        line = dial(self.control)
        assert line
        with closing(line):
            try:
                line.ask(request, Quiet())
            except OpenrateError as error:
                return str(error)
        return ""

    def wanted(self) -> Rule:
        return self.site.parts.records.company_of(self.site.shop).rule

    def answering(self) -> set[Rule]:
        """The rules of all apps of the company."""
        apps = self.site.parts.records.apps(self.site.shop.company_id)
        return {self.site.parts.log.rule(app.id) for app in apps}

    def is_done(self) -> bool:
        return self.site.parts.at_work.of(("company", self.site.shop.company_id)) is None


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with serving_pages(tmp_path) as site:
        control = tmp_path / "control"
        socket = ControlSocket(control, partial(table.run_line, site.parts))
        yield Office(site, control)
        socket.close()


Way = Callable[[Office, int], str]
PAGE, LINE = Office.on_the_page, Office.on_the_command_line


@pytest.mark.parametrize(("one", "other"), [(PAGE, LINE), (LINE, PAGE), (LINE, LINE), (PAGE, PAGE)])
def test_who_changes_windows_that_are_being_changed_is_told_so_and_rows_and_records_agree(
    office: Office, one: Way, other: Way
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with office.site.parts.log._attribution:  # type: ignore[attr-defined]  # as if it had millions of facts to count
            first = pool.submit(one, office, 5)
            wait_until(lambda: office.wanted().influence_window == 5 * HOUR)
            assert "already" in other(office, 3)
            assert office.site.parts.at_work.of(("company", office.site.shop.company_id)) is not None
        first.result(10)
    wait_until(office.is_done)
    assert office.answering() == {office.wanted()} == {Rule(influence_window=5 * HOUR)}
    other(office, 3)
    wait_until(office.is_done)
    assert office.answering() == {office.wanted()} == {Rule(influence_window=3 * HOUR)}


def test_a_sender_is_not_changed_on_the_command_line_while_it_is_changed_on_the_page(office: Office) -> None:
    shop = office.site.shop
    with office.site.parts.at_work.alone(("app", shop.id), Quiet()):
        assert "already" in office.ask(SetApp(shop.live_key, Sender.OPENRATE))
    assert office.ask(SetApp(shop.live_key, Sender.OPENRATE)) == ""


def test_an_app_that_is_made_while_windows_are_changed_has_those_of_its_company(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.on_the_command_line(4)
    set_rule = office.site.parts.log.set_rule

    def late(app_ids: list[int], rule: Rule) -> None:
        monkeypatch.undo()
        office.on_the_command_line(5)
        set_rule(app_ids, rule)

    monkeypatch.setattr(office.site.parts.log, "set_rule", late)
    assert office.ask(CreateApp(COMPANY, "News", Platform.IOS)) == ""
    assert office.answering() == {office.wanted()} == {Rule(influence_window=5 * HOUR)}


def test_a_change_whose_asker_has_gone_is_said_to_have_ended_and_one_that_cannot_be_changes_nothing(
    office: Office,
) -> None:
    class Gone(Quiet):
        def progress(self, done: int, total: int) -> None:  # noqa: ARG002 - nobody is there
            raise BrokenPipeError

    at_work = office.site.parts.at_work
    with pytest.raises(BrokenPipeError), at_work.alone("this", Gone()) as progress:
        progress(1, 2)
    for _ in range(2):
        work = at_work.of("this")
        assert work
        assert work.trouble == "Whoever asked for it on the command line has gone."
        with pytest.raises(UsageError), at_work.alone("this", Quiet()):
            raise UsageError("That is no window.")
    with at_work.alone("this", Quiet()):
        pass
    assert at_work.of("this") is None
