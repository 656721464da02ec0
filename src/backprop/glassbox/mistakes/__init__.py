"""What learners get wrong, by the phase of the calculation: functions and, below them, their entries."""
