-- grain: one row per user that has one of the keys and is not forgotten; parameters: connection, user_ids, emails, usernames
select email_key, username_key
from users
where
    connection = $connection
    and not list_contains($user_ids::varchar[], user_id)
    and (list_contains($emails::varchar[], email_key) or list_contains($usernames::varchar[], username_key))
