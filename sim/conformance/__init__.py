# SPDX-License-Identifier: Apache-2.0
"""ONNX's own backend tests through the kit: what passes, where it runs, and why the rest fails."""
