"""Read LDIF: the entries of a directory. What is in their lines is read in `transforms.ldif`."""
