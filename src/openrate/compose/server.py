"""The server: both stores, HTTP and the control socket."""

from __future__ import annotations

import gc
import logging
import socket
import time
from contextlib import closing
from functools import partial
from threading import Thread

import uvloop

from openrate import logs
from openrate.commands import table
from openrate.compose.stores import Parts
from openrate.config import Settings
from openrate.control import ControlSocket
from openrate.delivery import Delivery
from openrate.delivery.desk import Desk
from openrate.errors import StoreDamaged, StoreFull
from openrate.folder import SERVE, held, made
from openrate.web.app import http_app
from openrate.web.pages.render import compile_templates
from openrate.web.server import listen
from openrate.web.server import serve as serve_http

logger = logging.getLogger(__name__)

_READING_S = 1.0
"""Seconds that the first answer may wait for lists of campaigns to be read."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StoreError: the folder is in use, damaged, or of a newer version; it was left as it was.
        OpenrateError: the port cannot be used.
    """
    request_log = logs.to_stderr()
    folder = made(settings.data)
    with (
        held(folder, SERVE),
        closing(listen(settings.host, settings.port)) as listener,
        closing(Parts(settings, folder)) as parts,
    ):
        _check_ages(parts)
        _apply_rules(parts)
        _say_when_full(parts)
        app = http_app(settings, parts, request_log)
        read_lists(parts)
        Thread(target=compile_templates, daemon=True).start()
        with (
            closing(ControlSocket(folder.control, partial(table.run_line, parts))),
            closing(delivery(parts)),
            closing(parts.census),
        ):
            gc.collect()
            gc.freeze()  # what is there for good need not be looked at again and again: that stops all for 50 ms
            uvloop.run(serve_http(app, settings, listener=listener))


def delivery(parts: Parts) -> Delivery:
    """Our sender: sends what is due, from now on."""
    log, clock, activity = parts.log, parts.clock, parts.activity
    return Delivery(
        Desk(parts.records, parts.sends, log, clock, parts.providers, activity, socket.gethostname())
    )


def read_lists(parts: Parts) -> None:
    """Read the lists of campaigns that somebody is about to look at: it takes 0.4 s for ten thousand.

    Here and not in the background, so that they are among what is there for good. What there is no time for is
    read when it is asked for, as are the lists of companies of which nobody is signed in.
    """
    until = time.monotonic() + _READING_S
    for company in parts.records.companies():
        if time.monotonic() < until and parts.people.sessions_of_company(company.id):
            parts.overview.revision(company.id)


def _say_when_full(parts: Parts) -> None:
    try:
        parts.log.check()
    except StoreFull:
        logger.warning("The disk of the data folder is full: facts are refused until there is room.")


def _check_ages(parts: Parts) -> None:
    """Records older than the facts would number new campaigns like the lost ones, which have facts already."""
    known = (max(parts.records.campaign_tokens(app.id), default=0) for app in parts.records.apps())
    if parts.log.counts()["largest_campaign_id"] > max(known, default=0):
        raise StoreDamaged(
            "records.db is older than facts.duckdb, which holds facts about campaigns it does not know: "
            "restore both files from one backup."
        )


def _apply_rules(parts: Parts) -> None:
    """See that the rows are made under each company's windows: a crash may have come in between."""
    for company in parts.records.companies():
        apps = [app.id for app in parts.records.apps(company.id)]
        if any(parts.log.rule(app) != company.rule for app in apps):
            logger.warning(
                "Counting the past of company %d anew: its windows were being changed.", company.id
            )
            parts.log.set_rule(apps, company.rule)
