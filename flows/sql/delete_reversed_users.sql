-- grain: one row per user that the undone job left in the table
delete from users
where connection = $connection and user_id in (select user_id from reversals)
