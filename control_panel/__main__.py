"""`python -m control_panel`."""

import sys

from control_panel.qt.main import main

sys.exit(main())
