"""Copy the file into a table without checks: the least that any import has to do."""

import duckdb

from tests.benchmarks.tools.arguments import Arguments, parse_arguments

COPY = """
create table users as
select * from read_json($file, format = 'newline_delimited', columns = {
    user_id: 'varchar', email: 'varchar', email_verified: 'boolean', username: 'varchar', phone_number: 'varchar',
    phone_verified: 'boolean', given_name: 'varchar', family_name: 'varchar', name: 'varchar', nickname: 'varchar',
    picture: 'varchar', blocked: 'boolean', password_hash: 'varchar', custom_password_hash: 'json',
    app_metadata: 'json', user_metadata: 'json', mfa_factors: 'json'
})
"""


def run(arguments: Arguments) -> None:
    """Create the table in a new database."""
    arguments.database.unlink(missing_ok=True)
    with duckdb.connect(str(arguments.database)) as connection:
        connection.execute(COPY, {"file": str(arguments.file)})


if __name__ == "__main__":
    run(parse_arguments())
