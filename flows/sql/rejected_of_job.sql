-- grain: one row per refused record of the job, secrets redacted
select record, line, codes, "user"
from rejected_users
where job_id = $job_id
order by record
