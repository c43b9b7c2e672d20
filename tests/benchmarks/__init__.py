"""Compare this import with scripts that do the same with other tools, on the same users and by the same rules.

Run it with `python -m tests.benchmarks`; it is not a part of the test run, because it takes minutes and gigabytes at
full size. Each tool of `tests.benchmarks.tools` runs as a process of its own, and start-up counts. In every round of a
scenario each tool runs once, and ratios are computed within the round. What a tool accepts and refuses is compared with
our results before its times count.

The rules, which each tool implements as far as it can:

* `email` is required; a dot-atom, @ and a domain name; at most 254 characters, 64 before the @
* `phone_number` is + and 1 to 15 digits; `picture` an absolute http(s) URI; `password_hash` bcrypt of cost 04 to 31
* `user_id` has 1 to 255 characters, none of them white space; `username` 1 to 128 of letters, digits and some signs
* `given_name`, `family_name` have 1 to 150 characters, `name`, `nickname` 1 to 300, no control characters
* `email_verified`, `phone_verified`, `blocked` are true or false
* `app_metadata`, `user_metadata` are objects, the first without reserved keys
* a record that repeats the e-mail address (in any case), username (likewise) or `user_id` of an earlier valid one is
  refused; so is one whose keys reach two users, or a user that another record has reached
* insert refuses a record that is a user already; upsert sets what the record has, keys and phone number apart
"""
