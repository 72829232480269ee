"""Data sets, and what turns their files into batches."""

import os

# albumentations asks the network for its newest version at import otherwise
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
