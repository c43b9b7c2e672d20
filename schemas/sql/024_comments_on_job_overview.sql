-- comments on the view job_overview and its columns
comment on view job_overview is 'How did the latest imports end? One row per job, newest first';
comment on column job_overview.job_id is 'Identifier of the job, a UUID';
comment on column job_overview.kind is 'import or undo';
comment on column job_overview.external_id is 'Identifier that the caller gave the job';
comment on column job_overview.connection is 'Connection whose users the job changes';
comment on column job_overview.sources is 'Sources as they were named; for an undo the undone job';
comment on column job_overview.mode is 'insert, upsert or update; undo for an undo';
comment on column job_overview.dry_run is 'Whether the job only planned and merged nothing';
comment on column job_overview.status is 'pending, loading, ready, importing, completed, completed_with_errors, failed or canceled';
comment on column job_overview.total is 'Number of records of all sources; for an undo the users that the undone job changed';
comment on column job_overview.inserted is 'Number of users inserted';
comment on column job_overview.updated is 'Number of users updated; for an undo the users that were restored or removed';
comment on column job_overview.unchanged is 'Number of records that equal their user';
comment on column job_overview.failed is 'Number of records refused; for an undo the users that were kept';
comment on column job_overview.warnings is 'Number of warnings';
comment on column job_overview.error_rate is 'Share of the records that were refused, from 0 to 1; null without records';
comment on column job_overview.fault_code is 'Code of the fault that ended the job, if any';
comment on column job_overview.fault_message is 'What went wrong';
comment on column job_overview.created_at is 'When the job was accepted';
comment on column job_overview.finished_at is 'When the job ended';
comment on column job_overview.duration_seconds is 'Seconds from start to end';
comment on column job_overview.rows_per_second is 'Records per second over the whole job';
comment on column job_overview.lock_seconds is 'Seconds for which the job held the write lock, up to the commit';
comment on column job_overview.undone_by_job is 'Latest undo of this job that is in force'
