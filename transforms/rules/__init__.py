"""Run the Pandera rules over canonical rows and collect every error."""
