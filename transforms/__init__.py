"""Pure functions from frames or connections to frames; nothing is opened or written here."""
