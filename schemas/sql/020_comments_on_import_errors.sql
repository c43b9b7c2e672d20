-- comments on the table import_errors and its columns
comment on table import_errors is 'Errors and warnings about records, one row each';
comment on column import_errors.job_id is 'Job that found the error';
comment on column import_errors.source is 'File of the record, one of the files of the job; null for an undo';
comment on column import_errors.record is 'Number of the record within the job, from 1';
comment on column import_errors.line is 'Line of the file on which the record begins; null for formats without lines';
comment on column import_errors.key is 'E-mail address of the row, else its user_id or username, as given, even if faulty; null if unreadable, forgotten or purged';
comment on column import_errors.code is 'Error code';
comment on column import_errors.path is 'Path of the value within the record; empty for the whole record';
comment on column import_errors.message is 'What is wrong, in a sentence without secrets; says what was found for booleans, numbers and enumerations only';
comment on column import_errors.severity is 'error or warning'
