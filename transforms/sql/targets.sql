-- grain: one row per staged record that matches existing users: which, and by which keys
-- reads: matches
select
    record,
    min(user_id) as user_id,
    min(user_id) = max(user_id) as matches_one_user,
    concat_ws(
        ', ',
        case when bool_or(key = 'email') then 'email' end,
        case when bool_or(key = 'user_id') then 'user_id' end,
        case when bool_or(key = 'username') then 'username' end
    ) as matched_by
from matches
group by record
