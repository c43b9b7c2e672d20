-- grain: one row per user that an undo keeps; the record holds its user_id
insert into rejected_users by name
select
    $job_id as job_id,
    record,
    null::bigint as line,
    list(code order by code) as codes,
    json_object('user_id', user_id) as "user"
from kept_users
group by record, user_id
order by record
