"""Who may call the HTTP face, how often, how much and how slowly; and the log of what was called."""
