"""JSON texts as frames: values at paths, keys, nested parts, depths."""
