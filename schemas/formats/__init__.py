"""The grammars that texts follow and the rules of columns that have one: one module per grammar."""
