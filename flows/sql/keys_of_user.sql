-- grain: one row per present or former key of the user
with versions as (
    select user_id, email, email_key, username, username_key
    from users
    where connection = $connection
    union all
    select user_id, row_before.email, row_before.email_key, row_before.username, row_before.username_key
    from user_changes
    where connection = $connection and row_before is not null
)

select distinct unnest(list_filter([user_id, email, email_key, username, username_key], lambda key: key is not null)) as key
from versions
where $user in (user_id, email, username) or lower($user) in (email_key, username_key)
