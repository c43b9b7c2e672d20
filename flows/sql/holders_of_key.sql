-- grain: one row per user of the connection that has or had one of the keys; is_present: whether the user has it now
-- parameters: connection, email and username (as matched) and user_id; null for a key that was not given
with versions as (
    select user_id, email_key, username_key, true as is_present
    from users
    where connection = $connection
    union all
    select user_id, row_before.email_key, row_before.username_key, false as is_present
    from user_changes
    where connection = $connection
)

select user_id, coalesce(email_key = $email, false) as by_email, coalesce(username_key = $username, false) as by_username,
    bool_or(is_present) as is_present
from versions
where email_key = $email or username_key = $username or user_id = $user_id
group by all
