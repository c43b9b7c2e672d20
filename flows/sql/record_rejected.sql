-- grain: one row per refused record, secrets redacted; few sets of codes occur, so each becomes a list only once
insert into rejected_users by name
with codes as (
    select code, 1::bigint << (row_number() over (order by code) - 1) as bit
    from (select distinct code from job_errors where severity = 'error')
),

found as (
    select record, bit_or(bit) as bits
    from job_errors
    inner join codes on job_errors.code = codes.code
    where severity = 'error'
    group by record
),

sets as (
    select bits, list(code order by code) as codes
    from (select distinct bits from found)
    inner join codes on bits & bit <> 0
    group by bits
)

select $job_id as job_id, rejected.record, rejected.line, sets.codes, rejected.text as "user"
from job_rejected as rejected
inner join found on rejected.record = found.record
inner join sets on found.bits = sets.bits
