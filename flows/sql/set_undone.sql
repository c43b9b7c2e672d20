-- grain: one row, the job with its latest undo that is in force, if any
update import_jobs
set undone_by_job = (
    select arg_max(undo.job_id, undo.end_sequence)
    from import_jobs as undo
    where
        undo.kind = 'undo'
        and undo.sources = [$job_id]
        and undo.status in ('completed', 'completed_with_errors')
        and not undo.dry_run
        and undo.updated > 0
        and undo.undone_by_job is null
)
where job_id = $job_id
