"""A second opinion on the rules, written from their description alone: a JSON Schema, and a plain-Python twin."""
