-- grain: one row per refused record, secrets redacted, of a range of the job's records: those after $after, up to $upto
select record, line, codes, "user"
from rejected_users
where job_id = $job_id and record > $after and record <= $upto
order by record
