-- grain: the newest completed import of the same content with the same options, unless a job has changed users since
select same.job_id
from import_jobs as same
where
    same.kind = 'import'
    and same.status in ('completed', 'completed_with_errors')
    and not same.dry_run
    and same.undone_by_job is null
    and same.connection = $connection
    and same.options = $options
    and same.content_hash = $content_hash
    and not exists (
        select 1
        from import_jobs as later
        where
            later.connection = $connection
            and later.job_id <> same.job_id
            and later.end_sequence > same.end_sequence
            and not later.dry_run
            and later.inserted + later.updated > 0
    )
order by same.sequence desc
limit 1
