"""Find out whose export a source is, and what its mapping is."""
