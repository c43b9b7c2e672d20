"""Hashes of applications that write them in one way, without saying which.

Sources: Discourse (`lib/pbkdf2.rb`, `app/models/user_password.rb`), Redmine (`app/models/user.rb`), Meteor, of which
Rocket.Chat is made (`packages/accounts-password/password_server.js`).
"""

import polars as pl

from transforms.hashes.forms import Form
from transforms.hashes.notations import to_base64
from transforms.hashes.objects import hash_object, pbkdf2, salt_member

_ALGORITHM = r"^\$pbkdf2-(sha[0-9]+)\$i=([0-9]+)"


def _discourse() -> pl.Expr:
    """Return PBKDF2 of Discourse, by default with the 64,000 rounds that it had before it stored its algorithm."""
    named = pl.col("algorithm")
    return pbkdf2(
        digest=pl.when(named.is_null()).then(pl.lit("sha256")).otherwise(named.str.extract(_ALGORITHM, 1)),
        iterations=pl.when(named.is_null()).then(pl.lit("64000")).otherwise(named.str.extract(_ALGORITHM, 2)),
        salt=to_base64(pl.col("salt"), "text"),
        value=to_base64(pl.col("value"), "hex"),
        length=pl.lit("32"),
    )


def _redmine() -> pl.Expr:
    salt = salt_member(pl.col("salt"))
    return pl.when(salt.is_not_null()).then(hash_object("redmine", pl.col("value"), encoding="hex", around=[salt]))


DISCOURSE = Form("PBKDF2 of Discourse", "pbkdf2", write=_discourse)
REDMINE = Form("SHA-1 of Redmine", "redmine", write=_redmine)
