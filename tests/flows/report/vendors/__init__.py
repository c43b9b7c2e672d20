"""Each replaced system's own shapes and words."""
