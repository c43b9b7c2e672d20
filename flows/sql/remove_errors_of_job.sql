-- grain: one row per error and warning of an attempt that another follows
delete from import_errors where job_id = $job_id
