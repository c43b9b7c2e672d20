-- grain: one row per version, present or former, of a user, and of users that are gone and had one of its e-mail
-- addresses: a user that was removed and came again; parameters: connection, user_id
with versions as (
    select user_id, email_key, username_key from users where connection = $connection
    union all
    select user_id, row_before.email_key, row_before.username_key from user_changes where connection = $connection
),

earlier as (
    select user_id
    from versions
    where email_key in (select email_key from versions where user_id = $user_id)
        and user_id not in (select user_id from users where connection = $connection)
)

select distinct user_id, email_key, username_key
from versions
where user_id = $user_id or user_id in (from earlier)
