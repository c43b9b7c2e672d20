-- grain: one row, the job whose latest attempt repeats another job: it is again as the attempt before ended
update import_jobs
set
    attempts = earlier.attempt,
    flow_run_id = earlier.flow_run_id,
    status = earlier.status,
    fault_code = earlier.fault_code,
    fault_message = earlier.fault_message,
    fault_hint = '',
    started_at = earlier.started_at,
    finished_at = earlier.finished_at
from job_attempts as earlier
where
    import_jobs.job_id = $job_id
    and import_jobs.started_at = $started_at::timestamptz
    and earlier.job_id = import_jobs.job_id
    and earlier.attempt = import_jobs.attempts - 1
