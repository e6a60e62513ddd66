"""`python -m platypus` is `platypus`."""

import sys

from platypus.cli import main

sys.exit(main())
