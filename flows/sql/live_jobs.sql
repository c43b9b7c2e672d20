-- grain: no row: an empty table of jobs whose state is not read from import_jobs
create temp table live_jobs as
from import_jobs limit 0
