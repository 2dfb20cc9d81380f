"""The table of commands, and how one is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from openrate.commands import credentials, facts, people, records, requests, sending
from openrate.commands.parts import Parts
from openrate.commands.requests import Request
from openrate.control import Talk
from openrate.errors import OpenrateError

COMMANDS: dict[type[msgspec.Struct], Callable[[Parts, Any, Talk], Any]] = {
    requests.CreateApp: records.create_app,
    requests.ListApps: records.list_apps,
    requests.SetApp: sending.set_app,
    requests.RotateTokens: records.rotate_tokens,
    requests.SetCredentials: credentials.set_credentials,
    requests.ShowCredentials: credentials.show_credentials,
    requests.RemoveCredentials: credentials.remove_credentials,
    requests.CreateKey: records.create_key,
    requests.ListKeys: records.list_keys,
    requests.RevokeKey: records.revoke_key,
    requests.SetCompany: records.set_company,
    requests.CreateUser: people.create_user,
    requests.ListUsers: people.list_users,
    requests.SetUser: people.set_user,
    requests.RemoveUser: people.remove_user,
    requests.ListCampaigns: records.list_campaigns,
    requests.ShowCampaign: records.show_campaign,
    requests.SendCampaign: sending.send,
    requests.ShowProgress: sending.show_progress,
    requests.ShowStats: facts.show_stats,
    requests.Verify: facts.verify,
    requests.Rebuild: facts.rebuild,
    requests.TakeFacts: facts.take,
    requests.GiveFacts: facts.give,
}
"""There is no other way to run one."""

_decode = msgspec.json.Decoder(Request).decode


def run(parts: Parts, request: msgspec.Struct, talk: Talk) -> Any:
    """Answer a request.

    Raises:
        OpenrateError: what went wrong, in a sentence.
    """
    return msgspec.to_builtins(COMMANDS[type(request)](parts, request, talk))


def run_line(parts: Parts, line: bytes, talk: Talk) -> Any:
    """Answer a line from the control socket."""
    try:
        request = _decode(line)
    except msgspec.MsgspecError as error:
        raise OpenrateError(
            f"The server does not know this command ({error}): it runs another version of Openrate."
        ) from None
    return run(parts, request, talk)
