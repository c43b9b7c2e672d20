"""Files to batches of records. What a file holds is found here; a user is never judged here."""
