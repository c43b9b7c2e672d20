"""An independent implementation of the rules, written from their description: a JSON Schema and a plain-Python twin."""
