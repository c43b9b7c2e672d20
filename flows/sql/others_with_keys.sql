-- grain: one row per version, present or former, of another user that has one of the keys of a user
-- reads: user_versions; parameters: connection, user_ids, emails and usernames (as matched) of the user
select distinct user_id, email_key, username_key, is_present
from user_versions
where
    connection = $connection
    and not list_contains($user_ids::varchar[], user_id)
    and (list_contains($emails::varchar[], email_key) or list_contains($usernames::varchar[], username_key))
