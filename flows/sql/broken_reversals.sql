-- grain: one row per key that more than one user of the connection holds, among the users that an undo restored
-- reads: reversals, changes_to_undo, users
select 'user_id' as key, users.user_id as value
from users
semi join reversals on users.user_id = reversals.user_id
where users.connection = $connection
group by users.user_id
having count(*) > 1
union all
select 'email' as key, users.email_key as value
from users
semi join changes_to_undo on users.email_key = changes_to_undo.email_key
where users.connection = $connection
group by users.email_key
having count(*) > 1
union all
select 'username' as key, users.username_key as value
from users
semi join changes_to_undo on users.username_key = changes_to_undo.username_key
where users.connection = $connection
group by users.username_key
having count(*) > 1
