-- grain: one row per user of the connection that has one of the keys
delete from users
where
    connection = $connection
    and (list_contains($keys, user_id) or list_contains($keys, email_key) or list_contains($keys, username_key))
