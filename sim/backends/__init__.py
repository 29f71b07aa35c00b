# SPDX-License-Identifier: Apache-2.0
"""The devices a program can run on; all implement `accel.device.Device`."""
