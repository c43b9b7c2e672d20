-- grain: one row, the job that an undo undid; none where the job is no undo
select sources[1] as undone from import_jobs where job_id = $job_id and kind = 'undo'
