"""The story of an import: load, plan, merge; and its undo."""
