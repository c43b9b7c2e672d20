-- grain: one row per kind of key and user that has it, or had it where no user has it now; those that have it come first
-- reads: user_versions; parameters: connection, email and username (as matched) and user_id; null for a key that was not given
with holders as (
    select 'email' as kind, user_id, is_present from user_versions where connection = $connection and email_key = $email
    union all
    select 'username' as kind, user_id, is_present
    from user_versions
    where connection = $connection and username_key = $username
    union all
    select 'user_id' as kind, user_id, is_present
    from user_versions
    where connection = $connection and user_id = $user_id
)

select kind, user_id
from (select kind, user_id, bool_or(is_present) as is_present from holders group by all)
qualify is_present or not bool_or(is_present) over (partition by kind)
order by is_present desc, user_id
