"""The tasks and the named scenes they happen in."""
