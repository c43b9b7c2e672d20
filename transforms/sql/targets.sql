-- grain: one row per staged record that matches existing users: which, by which keys
-- reads: matches
select
    record,
    count(distinct user_id) as users_matched,
    min(user_id) as user_id,
    string_agg(key, ', ' order by key) as matched_by,
    string_agg(key || ' is held by ' || user_id, ', ' order by key) as holders
from matches
group by record
