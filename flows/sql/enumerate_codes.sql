-- an enumeration of $codes for this connection, for a column to take over
create or replace temp type row_code as enum (select unnest($codes::varchar[]))
