"""What NumPy and SciPy lack of the catalog's references, written for clarity in float64."""

from __future__ import annotations

import numpy as np
