-- grain: one row per connection, the space within which users are unique; with the field that they must have and its rules for usernames
create table connections (
    connection varchar not null,
    required varchar not null default 'email',
    username_required boolean not null default false,
    username_min_length integer not null default 1,
    username_max_length integer not null default 128,
    username_pattern varchar,
    created_at timestamptz not null default current_timestamp
)
