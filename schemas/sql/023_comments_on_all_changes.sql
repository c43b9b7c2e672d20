-- comments on the view all_changes and its columns
comment on view all_changes is 'Which users did a job change, secrets included? One row per job and user, inserts included';
comment on column all_changes.job_id is 'Job that changed the user';
comment on column all_changes.connection is 'Connection of the user';
comment on column all_changes.user_id is 'Identifier of the user';
comment on column all_changes.action is 'insert, update, restore (by an undo) or delete (by an undo)';
comment on column all_changes.changed_at is 'When the user was changed';
comment on column all_changes.row_before is 'Row of users before the change, secrets included; null where there was none';
comment on column all_changes.digest_after is 'Digest of the row of users after the change; null where the user was removed'
