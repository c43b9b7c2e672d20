-- grain: one row per job whose external id, sources or fault named a forgotten user
-- reads: renamed_jobs
update import_jobs
set
    external_id = renamed_jobs.external_id,
    other_external_ids = renamed_jobs.other_external_ids,
    sources = renamed_jobs.sources,
    files = renamed_jobs.files,
    fault_message = renamed_jobs.fault_message
from renamed_jobs
where import_jobs.job_id = renamed_jobs.job_id
