-- comments on the table users and its columns
comment on table users is 'Users, one row per user of a connection; user_id, e-mail address and username (both as folded) are each unique within a connection';
comment on column users.connection is 'Connection that the user belongs to';
comment on column users.user_id is 'Identifier of the user, unique within the connection; a UUID where the source had none';
comment on column users.email is 'E-mail address as imported';
comment on column users.email_folded is 'E-mail address in lower case and its domain in ASCII, by which users are matched; null where that is the same as email';
comment on column users.username is 'Username as imported';
comment on column users.username_folded is 'Username in lower case, by which users are matched; null where that is the same as username';
comment on column users.phone_number is 'Phone number in E.164 format';
comment on column users.email_verified is 'Whether the e-mail address is verified';
comment on column users.phone_verified is 'Whether the phone number is verified';
comment on column users.given_name is 'Given name';
comment on column users.family_name is 'Family name';
comment on column users.name is 'Full name';
comment on column users.nickname is 'Nickname';
comment on column users.picture is 'URL of a picture';
comment on column users.blocked is 'Whether the user is blocked from logging in';
comment on column users.password_hash is 'Secret: bcrypt hash of the password';
comment on column users.custom_password_hash is 'Secret: password hash of another algorithm, with its parameters, as a JSON object';
comment on column users.app_metadata is 'Metadata that the application owns, as a JSON object';
comment on column users.user_metadata is 'Metadata that the user may change, as a JSON object';
comment on column users.mfa_factors is 'Secret: factors for multi-factor authentication, as a JSON array';
comment on column users.password_reset_required is 'Whether the user was imported without an unsupported password hash and needs a new password';
comment on column users.created_at is 'When the user was inserted';
comment on column users.updated_at is 'When a job last wrote the user';
comment on column users.created_by_job is 'Job that inserted the user';
comment on column users.updated_by_job is 'Job that last wrote the user';
comment on column users.digest is 'Digest of the row as that job wrote it: user_digest(users) is another after an edit by hand'
