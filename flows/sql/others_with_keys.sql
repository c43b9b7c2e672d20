-- grain: one row per version, present or former, of another user that has one of the keys of a user
-- parameters: connection, user_ids, emails and usernames (as matched) of the user
with versions as (
    select user_id, email_key, username_key, true as is_present
    from users
    where connection = $connection
    union all
    select user_id, row_before.email_key, row_before.username_key, false as is_present
    from user_changes
    where connection = $connection
)

select distinct user_id, email_key, username_key, is_present
from versions
where
    not list_contains($user_ids::varchar[], user_id)
    and (list_contains($emails::varchar[], email_key) or list_contains($usernames::varchar[], username_key))
