"""Merge the valid users of a script with DuckDB: match them with existing users, then one MERGE, in one transaction."""

from pathlib import Path

import duckdb

TABLES = """
create table if not exists users (
    user_id varchar, email varchar, email_key varchar, username varchar, username_key varchar, phone_number varchar,
    email_verified boolean, phone_verified boolean, given_name varchar, family_name varchar, name varchar,
    nickname varchar, picture varchar, blocked boolean, password_hash varchar, app_metadata json, user_metadata json
);
create table if not exists rejects (record bigint, "column" varchar, reason varchar);
"""
MATCHED = """
create temp table matched as
with held as (
    select valid.record, users.user_id from valid join users on users.email_key = valid.email_key
    union
    select valid.record, users.user_id from valid join users on users.username_key = valid.username_key
    union
    select valid.record, users.user_id from valid join users on users.user_id = valid.user_id
), matches as (
    select record, min(user_id) as matched, count(*) as users from held group by record
)
select valid.*, matched, coalesce(users, 0) as users,
    matched is not null and row_number() over (partition by matched order by valid.record) > 1 as reached
from valid left join matches on matches.record = valid.record
"""
REJECT = """
insert into rejects
select record, null, case when users > 1 then 'two users' when reached then 'repeated' else 'exists' end
from matched
where users > 1 or reached or ($mode = 'insert' and users = 1)
"""
MERGE = """
merge into users
using (
    select * from matched where users = 0 or ($mode = 'upsert' and users = 1 and not reached)
) as new
on users.user_id = new.matched
when matched then update set
    email_verified = coalesce(new.email_verified, users.email_verified),
    phone_verified = coalesce(new.phone_verified, users.phone_verified),
    given_name = coalesce(new.given_name, users.given_name),
    family_name = coalesce(new.family_name, users.family_name),
    name = coalesce(new.name, users.name),
    nickname = coalesce(new.nickname, users.nickname),
    picture = coalesce(new.picture, users.picture),
    blocked = coalesce(new.blocked, users.blocked),
    password_hash = coalesce(new.password_hash, users.password_hash),
    app_metadata = coalesce(new.app_metadata, users.app_metadata),
    user_metadata = coalesce(new.user_metadata, users.user_metadata)
when not matched then insert
    (user_id, email, email_key, username, username_key, phone_number, email_verified, phone_verified, given_name,
     family_name, name, nickname, picture, blocked, password_hash, app_metadata, user_metadata)
    values (coalesce(new.user_id, uuid()::varchar), new.email, new.email_key, new.username, new.username_key,
     new.phone_number, coalesce(new.email_verified, false), coalesce(new.phone_verified, false), new.given_name,
     new.family_name, new.name, new.nickname, new.picture, new.blocked, new.password_hash, new.app_metadata,
     new.user_metadata)
"""


def merge(database: Path, valid: object, rejects: object, *, mode: str) -> None:
    """Merge the valid users (a frame of pandas or Polars) and store the rejects: record, column, reason."""
    with duckdb.connect(str(database)) as connection:
        connection.register("valid", valid)
        connection.register("new_rejects", rejects)
        connection.execute("begin")
        connection.execute(TABLES)
        connection.execute("insert into rejects select * from new_rejects")
        connection.execute(MATCHED)
        connection.execute(REJECT, {"mode": mode})
        connection.execute(MERGE, {"mode": mode})
        connection.execute("commit")
