-- comments on the table connections and its columns
comment on table connections is 'Connections, one row each: the spaces within which users are unique, which field they must have, and their rules for usernames';
comment on column connections.connection is 'Name of the connection';
comment on column connections.required is 'Field that every user must have: email, username, phone_number or user_id';
comment on column connections.username_required is 'Whether every user must have a username besides';
comment on column connections.username_min_length is 'Minimum number of characters of a username';
comment on column connections.username_max_length is 'Maximum number of characters of a username';
comment on column connections.username_pattern is 'Regular expression (Rust syntax) that a username must match; null: the default pattern';
comment on column connections.created_at is 'When the connection was created'
