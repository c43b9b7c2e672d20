"""The HTTP face: one router per replaced system and one of our own, on the jobs of a database; `user-import serve`."""
