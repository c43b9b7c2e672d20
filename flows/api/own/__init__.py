"""The server's own face: the calls at `/v1`, for programs, and the page at `/`, for people."""
