"""The rules of a user record, as Pandera models: one module per frame that is validated."""
