-- grain: one row: how many users an undo removes, restores and leaves as they are
-- reads: reversals, kept_users
select
    count(*) as reversed,
    count(*) filter (where is_there) as taken_out,
    count(*) filter (where was_there) as put_in,
    (select count(distinct user_id) from kept_users) as kept
from reversals
