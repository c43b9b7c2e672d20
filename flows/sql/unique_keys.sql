-- grain: one row: whether no key of a user that the job wrote is held by two users of the connection, by the hashes of the
-- keys: each finds itself among all users, and no other. A missing key, whose null would have a hash as well, has none here
-- and so finds nobody. It takes a third of the time of broken_keys.sql; a limit ends it soon where many users hold one key
with written as (
    select
        hash(user_id) as user_id_hash,
        case when coalesce(email_folded, email) is not null then hash(coalesce(email_folded, email)) end as email_hash,
        case when coalesce(username_folded, username) is not null then hash(coalesce(username_folded, username)) end as username_hash
    from users
    where connection = $connection and updated_by_job = $job_id
),

of_user_ids as (
    select count(*) as found
    from (
        select 1
        from users
        inner join written on hash(users.user_id) = written.user_id_hash
        where users.connection = $connection
        limit (select count(*) + 1 from written)
    ) as pairs
),

of_emails as (
    select count(*) as found
    from (
        select 1
        from users
        inner join written on hash(coalesce(users.email_folded, users.email)) = written.email_hash
        where users.connection = $connection
        limit (select count(*) + 1 from written)
    ) as pairs
),

of_usernames as (
    select count(*) as found
    from (
        select 1
        from users
        inner join written on hash(coalesce(users.username_folded, users.username)) = written.username_hash
        where users.connection = $connection
        limit (select count(*) + 1 from written)
    ) as pairs
)

select
    count(user_id_hash) = (select found from of_user_ids)
    and count(email_hash) = (select found from of_emails)
    and count(username_hash) = (select found from of_usernames) as are_unique
from written
