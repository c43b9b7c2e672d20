-- grain: one row per user of the connection whom one of the words names
delete from users
where
    connection = $connection
    and (list_contains($words, user_id) or list_contains($words, email_key) or list_contains($words, username_key))
