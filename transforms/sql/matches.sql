-- grain: one row per staged record and key that an existing user of the connection has
-- user_row is the user's position in the table: fetching whole rows by it reads only these, by a key it reads all rows
-- reads: staged, users; parameters: connection
select staged.record, 'email' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.email_key = coalesce(users.email_folded, users.email) and users.connection = $connection
union all
select staged.record, 'username' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.username_key = coalesce(users.username_folded, users.username) and users.connection = $connection
union all
select staged.record, 'user_id' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.user_id = users.user_id and users.connection = $connection
