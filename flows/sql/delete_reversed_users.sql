-- grain: one row per user that the undone job left in the table
delete from users
using reversals
where users.connection = $connection and users.user_id = reversals.user_id
