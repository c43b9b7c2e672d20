-- grain: one row per key that more than one user of the connection holds, among the users that an undo restored
-- reads: reversals, changes_to_undo, users
select 'user_id' as key, users.user_id as value
from users
semi join reversals on users.user_id = reversals.user_id
where users.connection = $connection
group by users.user_id
having count(*) > 1
union all
select 'email' as key, coalesce(users.email_folded, users.email) as value
from users
semi join changes_to_undo on coalesce(users.email_folded, users.email) = changes_to_undo.email_key
where users.connection = $connection
group by value
having count(*) > 1
union all
select 'username' as key, coalesce(users.username_folded, users.username) as value
from users
semi join changes_to_undo on coalesce(users.username_folded, users.username) = changes_to_undo.username_key
where users.connection = $connection
group by value
having count(*) > 1
