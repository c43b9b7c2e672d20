"""JSON text in frames: values at paths, keys, nested parts, depths, and text built from columns."""
