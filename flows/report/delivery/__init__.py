"""Deliver a notice: by webhook, by mail, or to a chat service. What it says is in `flows.report.notices`."""
