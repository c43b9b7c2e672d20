-- grain: one row per recorded change of a forgotten user
delete from user_changes where connection = $connection and list_contains($user_ids::varchar[], user_id)
