-- grain: one row: how many users an undo takes out, puts in and keeps
-- reads: reversals, kept_users
select
    count(*) as reversed,
    count(*) filter (where is_there) as taken_out,
    count(*) filter (where was_there) as put_in,
    (select count(distinct user_id) from kept_users) as kept
from reversals
