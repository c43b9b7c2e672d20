"""What follows: pure functions from frame or connection to frame. Nothing is opened and nothing written here."""
