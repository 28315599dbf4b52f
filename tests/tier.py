"""Two tiers: every change runs the quick one; PERFSIM_SLOW=1 runs the tests that say so at their full size."""

import os

SLOW = bool(os.environ.get("PERFSIM_SLOW"))
