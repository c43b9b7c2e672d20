-- comments on the table rejected_users and its columns
comment on table rejected_users is 'Refused records, one row each, with secrets redacted; purged after the retention period';
comment on column rejected_users.job_id is 'Job that refused the record';
comment on column rejected_users.record is 'Number of the record within the job, from 1';
comment on column rejected_users.line is 'Line of the file on which the record begins; null for formats without lines';
comment on column rejected_users.codes is 'Error codes of the record';
comment on column rejected_users."user" is 'The record as JSON, secrets redacted'
