-- grain: one row, a job: the undo in force, whether this DuckDB computes the digests of the one that ran the job, and how
-- many of the users that it changed no undo in force has restored or removed
select
    undone_by_job,
    digest_probe = hash('a known row', null, true) as is_same_digest,
    (
        select count(*)
        from all_changes
        where
            all_changes.job_id = $job_id
            and all_changes.connection = import_jobs.connection
            and all_changes.user_id not in (
                select put_back.user_id
                from user_changes as put_back
                inner join import_jobs as undo on put_back.job_id = undo.job_id
                where undo.kind = 'undo' and undo.sources = [$job_id] and undo.undone_by_job is null
            )
    ) as remaining
from import_jobs
where job_id = $job_id
