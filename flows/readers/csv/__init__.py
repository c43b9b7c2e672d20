"""Read CSV files: rows with the line each begins on, and the texts of their cells."""
