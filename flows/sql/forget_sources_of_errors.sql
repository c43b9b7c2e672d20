-- grain: one row per error or warning about a record of a file whose name named a forgotten user; before forget_names_of_jobs
-- reads: renamed_jobs
update import_errors
set source = renamed_jobs.files[list_position(import_jobs.files, import_errors.source)]
from renamed_jobs
inner join import_jobs on renamed_jobs.job_id = import_jobs.job_id
where import_errors.job_id = renamed_jobs.job_id and not list_contains(renamed_jobs.files, import_errors.source)
