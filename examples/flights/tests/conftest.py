"""Makes the project's modules importable, as they are when it is run from its own folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
