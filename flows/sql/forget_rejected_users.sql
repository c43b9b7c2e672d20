-- grain: one row per refused record that contains the user; parameters: pattern (a regular expression)
delete from rejected_users where regexp_matches("user"::varchar, $pattern)
