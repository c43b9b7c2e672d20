-- grain: one row per error or warning about a record of a forgotten user
-- reads: records_of_user
delete from import_errors where (job_id, record) in (select (job_id, record) from records_of_user)
