"""Commands about jobs: list, watch, correct, undo, erase."""
