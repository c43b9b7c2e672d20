-- grain: one row per staged record and key that another staged record has too, by record; `user` is the existing user that
-- both match. `first_record` is the first to have the key, `is_refused` tells whether a conflict refuses this record
-- hashes are compared first, which takes less time; where they are equal, the keys themselves are compared
-- reads: staged, targets, the table of conflicts; parameters: mode, conflicts (its name)
with suspects as (
    select 'email' as key, hash(email_key) as key_hash
    from staged
    where email_key is not null
    group by key_hash
    having count(*) > 1
    union all
    select 'username' as key, hash(username_key) as key_hash
    from staged
    where username_key is not null
    group by key_hash
    having count(*) > 1
    union all
    select 'user_id' as key, hash(user_id) as key_hash
    from staged
    where user_id is not null
    group by key_hash
    having count(*) > 1
    union all
    select 'user' as key, hash(user_id) as key_hash
    from targets
    where matches_one_user and $mode <> 'insert'
    group by key_hash
    having count(*) > 1
),

staged_keys as (
    select record, 'email' as key, email_key as value from staged where email_key is not null
    union all
    select record, 'username' as key, username_key as value from staged where username_key is not null
    union all
    select record, 'user_id' as key, user_id as value from staged where user_id is not null
    union all
    select record, 'user' as key, user_id as value from targets where matches_one_user and $mode <> 'insert'
)

select
    staged_keys.record,
    staged_keys.key,
    min(staged_keys.record) over (partition by staged_keys.key, staged_keys.value) as first_record,
    staged_keys.record in (select record from query_table($conflicts)) as is_refused
from staged_keys
semi join suspects on staged_keys.key = suspects.key and hash(staged_keys.value) = suspects.key_hash
order by staged_keys.record
