# SPDX-License-Identifier: Apache-2.0
"""The Relay front: ONNX or Relay to the neutral graph and to a library, with TVM 0.19."""

import os

os.environ.setdefault("TOPHUB_LOCATION", "NONE")  # TVM 0.19 would look for schedules on the network
