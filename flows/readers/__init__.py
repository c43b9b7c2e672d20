"""Read files into batches of records: find, detect, decompress and split them. Users are validated elsewhere."""
