"""A night in small: forty files, and an accounting of them that shares no code with the product."""
