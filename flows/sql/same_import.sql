-- grain: one row per completed import of the same content with the same options, newest first
select job_id from import_jobs
where
    kind = 'import'
    and status in ('completed', 'completed_with_errors')
    and not dry_run
    and undone_by_job is null
    and connection = $connection
    and options = $options
    and content_hash = $content_hash
order by created_at desc
limit 1
