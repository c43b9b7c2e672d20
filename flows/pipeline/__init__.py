"""The pipeline of an import: load, plan, merge, report; and the undo of a job."""
