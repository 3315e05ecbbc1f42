"""Poll groups, the phase model and the schedule."""
