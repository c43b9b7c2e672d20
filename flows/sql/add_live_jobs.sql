-- grain: one row per job that runs, is queued, or is hidden with the table
-- reads: live_rows
insert into live_jobs by name
from live_rows
