-- grain: one row, the job that an undo undid; no row if the job is not an undo
select sources[1] as undone from import_jobs where job_id = $job_id and kind = 'undo'
