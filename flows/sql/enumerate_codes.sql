-- grain: none; create the type row_code for this connection, for set_rejected_codes; parameters: codes
create or replace temp type row_code as enum (select unnest($codes::varchar[]))
