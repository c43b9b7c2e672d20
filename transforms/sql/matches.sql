-- grain: one row per staged record and key that an existing user of the connection has
-- user_row is where the user stands in the table: to fetch whole rows by it reads these only, by a key all of them
-- reads: staged, users; parameters: connection
select staged.record, 'email' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.email_key = users.email_key and users.connection = $connection
union all
select staged.record, 'username' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.username_key = users.username_key and users.connection = $connection
union all
select staged.record, 'user_id' as key, users.user_id, users.rowid as user_row
from staged
inner join users on staged.user_id = users.user_id and users.connection = $connection
