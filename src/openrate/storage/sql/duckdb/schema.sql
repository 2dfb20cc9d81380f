-- The facts file. `meta`, `installation`, `send` and the facts are for good; `day_row` is derived from them.

create table meta (name varchar primary key, value bigint not null);

-- An installation id is a name inside one app.
create table installation (id integer not null, app integer not null, name varchar not null);

-- One sending of a campaign, by name. Number 0 is "about no campaign" and has no row;
-- a tap that names no send has the send of its campaign whose name is null.
create table send (id integer not null, app integer not null, campaign integer not null, name varchar);

-- seq numbers the facts in order of arrival; attribution has done all up to meta.attributed.
-- type: 0 push_sent, 1 push_error, 2 push_open, 3 app_open, 4 installed. version: 0 none, 1 a, 2 b.
create table fact (
    seq bigint not null,
    type utinyint not null,
    installation integer not null,
    at_ms bigint not null,
    send integer not null,
    version utinyint not null,
    opted_in boolean not null,
    cause varchar,
    platform varchar,
    language varchar
);

-- Facts of development builds: a world of their own, in no statistic, so by name and never joined.
create table dev_fact (
    app integer not null,
    type utinyint not null,
    installation varchar not null,
    at_ms bigint not null,
    campaign integer not null,
    send varchar,
    version varchar,
    opted_in boolean not null,
    cause varchar,
    platform varchar,
    language varchar
);

-- The windows, in seconds, under which the day rows of an app were made. No row: the defaults.
create table app_rule (
    app integer not null,
    influence_window bigint not null,
    reengage_window bigint not null,
    inactive_after bigint not null
);

-- No key: changed rows are deleted and inserted in one transaction, which an index would refuse.
create table day_row (
    campaign integer not null,
    day integer not null, -- since 1970-01-01, UTC
    version utinyint not null,
    sent bigint not null,
    sent_optins bigint not null,
    direct_open bigint not null,
    influenced_open bigint not null,
    reengaged bigint not null,
    errors bigint not null
);

-- Installations with a tap that has no sent delivery at or before it, and the time of the first such tap.
create table loose_tap (installation integer not null, at_ms bigint not null);

insert into meta values ('schema', 1), ('attributed', 0), ('orphans', 0);
