-- grain: one row per job, newest first: what was imported and how it ended
create view job_overview as
select
    job_id,
    kind,
    external_id,
    connection,
    sources,
    mode,
    dry_run,
    status,
    total,
    inserted,
    updated,
    unchanged,
    failed,
    warnings,
    case when total > 0 then round(failed / total, 4) end as error_rate,
    fault_code,
    fault_message,
    created_at,
    finished_at,
    duration_seconds,
    rows_per_second,
    lock_seconds,
    undone_by_job
from import_jobs
order by sequence desc
