-- grain: one row per key that more than one user of the connection holds, among the users that the job wrote
-- hashes are compared first, which is a quarter less work, then the keys behind equal hashes. One query per key: for a
-- union of all three the engine reads every user, even if only few were written
with written as (
    select hash(coalesce(email_folded, email)) as email_hash, hash(coalesce(username_folded, username)) as username_hash, hash(user_id) as user_id_hash
    from users
    where connection = $connection and updated_by_job = $job_id
),

email_hashes as (
    select hash(coalesce(email_folded, email)) as key_hash
    from users
    where connection = $connection and coalesce(email_folded, email) is not null
    and hash(coalesce(email_folded, email)) in (select email_hash from written)
    group by key_hash
    having count(*) > 1
),

username_hashes as (
    select hash(coalesce(username_folded, username)) as key_hash
    from users
    where connection = $connection and coalesce(username_folded, username) is not null
    and hash(coalesce(username_folded, username)) in (select username_hash from written)
    group by key_hash
    having count(*) > 1
),

user_id_hashes as (
    select hash(user_id) as key_hash
    from users
    where connection = $connection and hash(user_id) in (select user_id_hash from written)
    group by key_hash
    having count(*) > 1
)

select 'email' as key, coalesce(email_folded, email) as value
from users
where connection = $connection and coalesce(email_folded, email) is not null and hash(coalesce(email_folded, email)) in (from email_hashes)
group by coalesce(email_folded, email)
having count(*) > 1
union all
select 'username' as key, coalesce(username_folded, username) as value
from users
where connection = $connection and coalesce(username_folded, username) is not null and hash(coalesce(username_folded, username)) in (from username_hashes)
group by coalesce(username_folded, username)
having count(*) > 1
union all
select 'user_id' as key, user_id as value
from users
where connection = $connection and hash(user_id) in (from user_id_hashes)
group by user_id
having count(*) > 1
