-- grain: one row per user that an update changes; insert_changed_users inserts its new row
-- (a subquery, because `using` reads every column of the updates and runs out of memory at a million of them)
delete from users
where connection = $connection and user_id in (select user_id from updates where is_changed)
