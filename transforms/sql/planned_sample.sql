-- grain: one row per field that one of the first $users changed users would have changed; secrets only as changed
-- reads: updates
with first_users as (
    select *
    from updates
    where is_changed
    order by record
    limit $users
)

select record, user_id, unnest(user_diff(before, first_users)) as change
from first_users
order by record
