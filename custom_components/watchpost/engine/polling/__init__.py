"""When to poll: groups, phases and the schedule."""
