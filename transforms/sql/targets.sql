-- grain: one row per staged record that matches existing users by a key of $match_on: the first user, whether it is the
-- only one, and by which keys
-- reads: matches; parameters: match_on (keys, in order), partitions (by the hash of the record), partition (from 0)
select
    record,
    min(user_id) as user_id,
    min(user_row) as user_row,
    min(user_id) = max(user_id) as matches_one_user,
    concat_ws(
        ', ',
        case when bool_or(key = $match_on[1]) then $match_on[1] end,
        case when bool_or(key = $match_on[2]) then $match_on[2] end,
        case when bool_or(key = $match_on[3]) then $match_on[3] end
    ) as matched_by
from matches
where list_contains($match_on, key) and ($partitions = 1 or hash(record) % $partitions::ubigint = $partition)
group by record
