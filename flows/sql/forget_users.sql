-- grain: one row per user of the connection that is forgotten
delete from users where connection = $connection and list_contains($user_ids::varchar[], user_id)
