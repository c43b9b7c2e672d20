-- grain: one row per version, present or former, of a user, with its keys as matched
create or replace temp view user_versions as
select
    connection,
    user_id,
    coalesce(email_folded, email) as email_key,
    coalesce(username_folded, username) as username_key,
    true as is_present
from users
union all
select
    connection,
    user_id,
    coalesce(row_before.email_folded, row_before.email),
    coalesce(row_before.username_folded, row_before.username),
    false
from user_changes
