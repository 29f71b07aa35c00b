# SPDX-License-Identifier: Apache-2.0
"""Passes below the neutral graph; the order is in codegen/pipeline.py."""
