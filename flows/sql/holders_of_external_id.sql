-- grain: one row per import with the external id, newest first: one that merged and was not undone, or that was accepted
-- before the job and has not ended; parameters: external_id, job_id of the job that wants to have it alone
select *
from import_jobs
where
    kind = 'import'
    and not dry_run
    and job_id <> $job_id
    and undone_by_job is null
    and (external_id = $external_id or list_contains(other_external_ids, $external_id))
    and (
        status in ('completed', 'completed_with_errors')
        or (
            status in ('pending', 'loading', 'ready', 'importing')
            and sequence < (select sequence from import_jobs where job_id = $job_id)
        )
    )
order by sequence desc
