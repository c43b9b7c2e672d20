-- grain: one row per user that an update changes; it is inserted again as it will be
delete from users
using updates
where users.connection = $connection and users.user_id = updates.user_id and updates.is_changed
