-- comments on the view rejected_overview and its columns
comment on view rejected_overview is 'Which users are missing, and why? One row per refused record';
comment on column rejected_overview.job_id is 'Job that refused the record';
comment on column rejected_overview.source is 'File of the record; null for an undo';
comment on column rejected_overview.record is 'Number of the record within the job, from 1';
comment on column rejected_overview.line is 'Line of the file on which the record begins; null for formats without lines';
comment on column rejected_overview.key is 'E-mail address of the record, else its user_id or username, as given; null if unreadable';
comment on column rejected_overview.codes is 'Error codes of the record';
comment on column rejected_overview.reasons is 'All errors of the record as text: code, path and message';
comment on column rejected_overview.email is 'E-mail address of the record';
comment on column rejected_overview."user" is 'The record as JSON, secrets redacted'
