"""What can be asked: one struct per command, which is also the line that goes over the control socket."""

from __future__ import annotations

import msgspec

from openrate.model import Platform, ProviderName, Role, Scope, Sender


class _Request(msgspec.Struct, frozen=True, tag_field="command"):
    """Names travel as the tag."""


class CreateApp(_Request, frozen=True, tag="app create"):
    """Make an app, and its company when there is none of that name."""

    company: str
    name: str
    platform: Platform
    sender: Sender = Sender.EXTERNAL


class ListApps(_Request, frozen=True, tag="app list"):
    """Every app with its keys."""


class SetApp(_Request, frozen=True, tag="app set"):
    """Change who sends for an app (by its Live key), and how fast; None leaves it as it is, 0 is no limit."""

    app: str
    sender: Sender | None = None
    send_rate: int | None = None


class RotateTokens(_Request, frozen=True, tag="app rotate-tokens"):
    """Sign installation tokens with a new key."""


class SetCredentials(_Request, frozen=True, tag="app credentials set"):
    """Give an app (by its Live key) credentials; ``file`` is the text of the file. It has no repr, as a secret."""

    app: str
    provider: ProviderName
    file: str | None = None
    key_id: str | None = None
    team_id: str | None = None
    topic: str | None = None
    subject: str | None = None
    base_url: str | None = None

    def __repr__(self) -> str:
        return "<SetCredentials>"


class ShowCredentials(_Request, frozen=True, tag="app credentials show"):
    """What is known of an app's credentials (by its Live key), without what is secret."""

    app: str


class RemoveCredentials(_Request, frozen=True, tag="app credentials remove"):
    """Forget an app's credentials (by its Live key)."""

    app: str


class CreateKey(_Request, frozen=True, tag="company key create"):
    """Make a REST key."""

    company: str
    scope: Scope = Scope.FULL


class ListKeys(_Request, frozen=True, tag="company key list"):
    """The REST keys of a company, by what is known of them."""

    company: str


class RevokeKey(_Request, frozen=True, tag="company key revoke"):
    """Make a REST key void for good."""

    company: str
    id: int


class SetCompany(_Request, frozen=True, tag="company set"):
    """Change attribution windows, in seconds; None leaves one as it is."""

    company: str
    influence_window: int | None = None
    reengage_window: int | None = None
    inactive_after: int | None = None


class CreateUser(_Request, frozen=True, tag="user create"):
    """Make a person of a company who signs in to the pages. It has no repr, as a secret."""

    company: str
    email: str
    password: str
    role: Role = Role.MANAGER

    def __repr__(self) -> str:
        return "<CreateUser>"


class ListUsers(_Request, frozen=True, tag="user list"):
    """Everybody who may sign in, by company."""


class SetUser(_Request, frozen=True, tag="user set"):
    """Change a person's role or password; None leaves it as it is. It has no repr, as a secret."""

    email: str
    role: Role | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "<SetUser>"


class RemoveUser(_Request, frozen=True, tag="user remove"):
    """Forget a person and end their sessions."""

    email: str


class ListCampaigns(_Request, frozen=True, tag="campaign list"):
    """The newest campaigns, of one app (by its Live key) or of each."""

    app: str | None = None
    limit: int = 20


class ShowCampaign(_Request, frozen=True, tag="campaign show"):
    """One campaign with all its parameters."""

    token: str


class SendCampaign(_Request, frozen=True, tag="campaign send"):
    """Make a campaign live."""

    token: str


class ShowProgress(_Request, frozen=True, tag="campaign progress"):
    """How far the sends of a campaign are."""

    token: str


class ShowStats(_Request, frozen=True, tag="stats"):
    """The statistics of one campaign."""

    token: str


class Verify(_Request, frozen=True, tag="verify"):
    """Recompute every row and say what differs."""


class Rebuild(_Request, frozen=True, tag="rebuild"):
    """Make every row again."""


class TakeFacts(_Request, frozen=True, tag="import"):
    """Take facts into an app (by its Live key): lines of JSON as ``POST /v1/{api_key}/events`` has them."""

    app: str
    lines: str


class GiveFacts(_Request, frozen=True, tag="export"):
    """Give the facts of an app (by its Live key), or of one of its campaigns, in the same form."""

    app: str
    campaign: str | None = None


Request = (
    CreateApp
    | ListApps
    | RotateTokens
    | SetApp
    | SetCredentials
    | ShowCredentials
    | RemoveCredentials
    | CreateKey
    | ListKeys
    | RevokeKey
    | SetCompany
    | CreateUser
    | ListUsers
    | SetUser
    | RemoveUser
    | ListCampaigns
    | ShowCampaign
    | SendCampaign
    | ShowProgress
    | ShowStats
    | Verify
    | Rebuild
    | TakeFacts
    | GiveFacts
)
