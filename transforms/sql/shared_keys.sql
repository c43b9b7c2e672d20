-- grain: one row per staged record that has the same $key as another one; `user` is the existing user that both match. The
-- first record to have it is `first_record`. A partition has the keys of some hashes, and all records that have them
-- hashes are compared first, which takes less time; where they are equal, the keys themselves are compared
-- reads: staged, targets; parameters: key, mode, partitions, partition (from 0)
with staged_keys as not materialized (
    select record, value
    from (
        select record, case $key when 'email' then email_key when 'username' then username_key else user_id end as value
        from staged
        where $key <> 'user'
        union all
        select record, user_id as value
        from targets
        where $key = 'user' and matches_one_user and $mode <> 'insert'
    )
    where value is not null and ($partitions = 1 or hash(value) % $partitions::ubigint = $partition)
),

suspects as (
    select hash(value) as key_hash
    from staged_keys
    group by key_hash
    having count(*) > 1
)

select record, $key as key, min(record) over (partition by value) as first_record
from staged_keys
where hash(value) in (from suspects)
