"""CSV: cells under a header."""
