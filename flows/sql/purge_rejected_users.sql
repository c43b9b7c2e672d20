-- grain: one row per refused record of the jobs
delete from rejected_users where list_contains($jobs::varchar[], job_id)
