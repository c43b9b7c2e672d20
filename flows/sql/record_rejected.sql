-- grain: one row per refused record, secrets redacted
insert into rejected_users by name
with codes as (
    select record, list(distinct code order by code) as codes
    from job_errors
    where severity = 'error'
    group by record
)
select $job_id as job_id, rejected.record, rejected.line, codes.codes, rejected.text as "user"
from job_rejected as rejected
inner join codes on rejected.record = codes.record
order by rejected.record
