-- comments on the table user_changes and its columns
comment on table user_changes is 'Users that jobs updated, restored or removed, one row per job and user; secrets included';
comment on column user_changes.job_id is 'Job that changed the user';
comment on column user_changes.connection is 'Connection of the user';
comment on column user_changes.user_id is 'Identifier of the user';
comment on column user_changes.action is 'update, restore (by an undo) or delete (by an undo)';
comment on column user_changes.changed_at is 'When the user was changed';
comment on column user_changes.row_before is 'Row of users before the change, secrets included; null where the user was removed before';
comment on column user_changes.digest_after is 'Digest of the row of users after the change; null where the user was removed'
