-- grain: one row per version, present or former, of a user, and of users that are gone and had one of its e-mail
-- addresses: a user that was removed and came again; reads: user_versions; parameters: connection, user_id
with versions as (from user_versions where connection = $connection),

earlier as (
    select user_id
    from versions
    where email_key in (select email_key from versions where user_id = $user_id)
        and user_id not in (select user_id from versions where is_present)
)

select distinct user_id, email_key, username_key
from versions
where user_id = $user_id or user_id in (from earlier)
