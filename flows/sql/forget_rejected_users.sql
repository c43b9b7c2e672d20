-- grain: one row per refused record that has one of the user's keys as a value
delete from rejected_users where regexp_matches("user"::varchar, $pattern)
