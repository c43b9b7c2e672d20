"""The invented users of `data/samples`, and the errors that each faulty one must have."""
