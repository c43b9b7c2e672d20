-- grain: one row per staged record and key that an earlier staged record has too
-- reads: staged
with staged_keys as (
    select record, 'email' as key, email_key as value from staged where email_key is not null
    union all
    select record, 'username' as key, username_key as value from staged where username_key is not null
    union all
    select record, 'user_id' as key, user_id as value from staged where user_id is not null
),

suspects as (
    select key, value
    from staged_keys
    group by all
    having count(*) > 1
),

repeated as (
    select
        staged_keys.record,
        staged_keys.key,
        min(staged_keys.record) over (partition by staged_keys.key, staged_keys.value) as first_record
    from staged_keys
    semi join suspects on staged_keys.key = suspects.key and staged_keys.value = suspects.value
)

select record, key, first_record
from repeated
where record > first_record
