"""JSON text in frames: values at paths, keys, nested parts, and text built from columns."""
