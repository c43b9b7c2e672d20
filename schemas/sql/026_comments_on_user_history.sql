-- comments on the view user_history and its columns
comment on view user_history is 'Who changed a user, and what did the user look like before? One row per user and job that changed the user';
comment on column user_history.connection is 'Connection of the user';
comment on column user_history.user_id is 'Identifier of the user';
comment on column user_history.changed_at is 'When the user was changed';
comment on column user_history.action is 'insert, update, restore (by an undo) or delete (by an undo)';
comment on column user_history.job_id is 'Job that changed the user';
comment on column user_history.kind is 'import or undo';
comment on column user_history.external_id is 'Identifier that the caller gave the job';
comment on column user_history.changes is 'Fields that the job changed: field, old and new value as JSON; secrets only as changed';
comment on column user_history.is_edited_since is 'Whether the user was edited or removed by hand after this change and before the next job';
comment on column user_history.email_before is 'E-mail address, before the change';
comment on column user_history.username_before is 'Username, before the change';
comment on column user_history.name_before is 'Full name, before the change';
comment on column user_history.given_name_before is 'Given name, before the change';
comment on column user_history.family_name_before is 'Family name, before the change';
comment on column user_history.nickname_before is 'Nickname, before the change';
comment on column user_history.picture_before is 'URL of the picture, before the change';
comment on column user_history.phone_number_before is 'Phone number, before the change';
comment on column user_history.email_verified_before is 'Whether the e-mail address was verified, before the change';
comment on column user_history.phone_verified_before is 'Whether the phone number was verified, before the change';
comment on column user_history.blocked_before is 'Whether the user was blocked, before the change';
comment on column user_history.app_metadata_before is 'Metadata of the application, before the change';
comment on column user_history.user_metadata_before is 'Metadata of the user, before the change';
comment on column user_history.updated_at_before is 'When a job had last written the user, before the change'
