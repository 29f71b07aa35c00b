# SPDX-License-Identifier: Apache-2.0
"""Claim the parts of an integer Relax module that the accelerator can execute."""
