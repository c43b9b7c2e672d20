"""The rules of a user record, as Pandera models, and the grammars that they use."""
