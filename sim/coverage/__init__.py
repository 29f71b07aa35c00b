# SPDX-License-Identifier: Apache-2.0
"""What of real networks runs on the accelerator, and how exactly: `python -m sim.coverage`."""
