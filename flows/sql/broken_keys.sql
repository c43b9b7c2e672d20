-- grain: one row per key that more than one user of the connection holds, among the users that the job wrote
-- hashes are compared first, which is a quarter less work, then the keys behind equal hashes. One query per key: for a
-- union of all three the engine reads every user, even if only few were written
with written as (
    select hash(email_key) as email_hash, hash(username_key) as username_hash, hash(user_id) as user_id_hash
    from users
    where connection = $connection and updated_by_job = $job_id
),

email_hashes as (
    select hash(email_key) as key_hash
    from users
    where connection = $connection and email_key is not null
    and hash(email_key) in (select email_hash from written)
    group by key_hash
    having count(*) > 1
),

username_hashes as (
    select hash(username_key) as key_hash
    from users
    where connection = $connection and username_key is not null
    and hash(username_key) in (select username_hash from written)
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

select 'email' as key, email_key as value
from users
where connection = $connection and email_key is not null and hash(email_key) in (from email_hashes)
group by email_key
having count(*) > 1
union all
select 'username' as key, username_key as value
from users
where connection = $connection and username_key is not null and hash(username_key) in (from username_hashes)
group by username_key
having count(*) > 1
union all
select 'user_id' as key, user_id as value
from users
where connection = $connection and hash(user_id) in (from user_id_hashes)
group by user_id
having count(*) > 1
