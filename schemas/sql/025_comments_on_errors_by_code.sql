-- comments on the view errors_by_code and its columns
comment on view errors_by_code is 'What should the sender of a file fix first? One row per job, severity, code and path';
comment on column errors_by_code.job_id is 'Job that found the errors';
comment on column errors_by_code.severity is 'error or warning';
comment on column errors_by_code.code is 'Error code';
comment on column errors_by_code.path is 'Path of the value within the record, with [] for every index of an array';
comment on column errors_by_code.errors is 'Number of errors';
comment on column errors_by_code.records is 'Number of records with such an error';
comment on column errors_by_code.first_record is 'Number of the first such record';
comment on column errors_by_code.first_line is 'Line on which that record begins';
comment on column errors_by_code.first_source is 'File of that record';
comment on column errors_by_code.first_key is 'E-mail address of that record, else its user_id or username; null if unreadable, forgotten or purged';
comment on column errors_by_code.example is 'Message of the first such error'
