-- grain: one row per job: as its folder or a queue has it, else as the table has it
create temp view every_job as
from live_jobs
union all by name
from import_jobs where job_id not in (select job_id from live_jobs)
