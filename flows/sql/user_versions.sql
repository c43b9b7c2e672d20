-- grain: one row per version, present or former, of a user, with its keys as matched
create or replace temp view user_versions as
select connection, user_id, email_key, username_key, true as is_present
from users
union all
select connection, user_id, row_before.email_key, row_before.username_key, false as is_present
from user_changes
