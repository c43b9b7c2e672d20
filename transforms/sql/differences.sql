-- grain: one row per matched record and value that differs from the user's and that an update never changes; these are
-- warnings
-- reads: updates
with differing as (
    select record, unnest([
        case when email_differs then 'email' end,
        case when username_differs then 'username' end,
        case when user_id_differs then 'user_id' end,
        case when phone_number_differs then 'phone_number' end
    ]) as path
    from updates
    where email_differs or username_differs or user_id_differs or phone_number_differs
)

select
    record,
    'NOT_CHANGED' as code,
    path,
    'differs from the stored value, which an update does not change' as message,
    'warning' as severity
from differing
where path is not null
