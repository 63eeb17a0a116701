"""The target's half of the machine: takes the log in order and has it applied."""
