"""The invented users of `data/samples` and the verdict that each of the faulty ones must get."""
