"""Write encrypted Parquet files, as a data lake does."""

import base64
from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import CryptoFactory, EncryptionConfiguration, KmsClient, KmsConnectionConfig


class _Keys(KmsClient):
    """Keys that are wrapped by encoding them."""

    def wrap_key(self, key: bytes, _: str) -> str:
        return base64.b64encode(key).decode()

    def unwrap_key(self, wrapped: str, _: str) -> bytes:  # type: ignore[override]  # the stubs are wrong
        return base64.b64decode(wrapped)


def encrypt(table: pa.Table, columns: Sequence[str], *, plaintext_footer: bool) -> bytes:
    """Return a file of the table with these columns encrypted, and the footer too unless it is plain text."""
    config = EncryptionConfiguration(
        footer_key="footer", column_keys={"columns": [*columns]}, plaintext_footer=plaintext_footer
    )
    factory = CryptoFactory(lambda _: _Keys())
    properties = factory.file_encryption_properties(KmsConnectionConfig(), config)
    file = BytesIO()
    with pq.ParquetWriter(file, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return file.getvalue()
