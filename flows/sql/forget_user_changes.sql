-- grain: one row per recorded change of the user
delete from user_changes
where
    connection = $connection
    and (
        list_contains($keys, user_id)
        or list_contains($keys, row_before.email_key)
        or list_contains($keys, row_before.username_key)
    )
