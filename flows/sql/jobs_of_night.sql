-- grain: one row per job that began or ended at or after a time, or has not ended, oldest first; parameters: since
select *
from import_jobs
where
    created_at >= $since::timestamptz
    or finished_at >= $since::timestamptz
    or status in ('pending', 'loading', 'ready', 'importing')
order by created_at, job_id
