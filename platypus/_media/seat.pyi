"""A leg's place in the schedule of its loop; nothing of it is for Python."""
