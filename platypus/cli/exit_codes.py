"""What a verb ends with; the same for all, and part of the public interface."""

from __future__ import annotations

DONE, FAILED, USAGE, NOT_REGISTERED, NOT_ANSWERED, NO_MEDIA = range(6)

TEXT = """\
exit codes:
  0  done
  1  could not start, and why is on standard error
  2  wrong usage
  3  not registered
  4  not answered
  5  no media"""
