-- grain: one row per version, present or former, of the users with these ids or e-mail addresses; is_gone: whether the
-- user is not in the table any more; parameters: connection, user_ids, emails (as matched)
with versions as (
    select user_id, email_key, username_key from users where connection = $connection
    union all
    select user_id, row_before.email_key, row_before.username_key from user_changes where connection = $connection
)

select distinct
    user_id,
    email_key,
    username_key,
    user_id not in (select user_id from users where connection = $connection) as is_gone
from versions
where list_contains($user_ids::varchar[], user_id) or list_contains($emails::varchar[], email_key)
