"""Rewrites password hashes of other systems into `password_hash` and `custom_password_hash`.

`transforms.hashes.rewrite` is what mappings call. Whether a result is right is for the rules of `schemas.rules` to say:
what is cut off or malformed is rewritten all the same, so that its row is refused.
"""
