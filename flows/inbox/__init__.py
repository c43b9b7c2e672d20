"""The inbox: a folder whose new files are imported on a schedule."""
