"""Jobs that were requested and have not begun: what was asked for, and the queue of those that wait for a process."""
