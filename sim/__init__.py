# SPDX-License-Identifier: Apache-2.0
"""Run programs on the model or on the RTL, compare with the host, explain the cycles."""
