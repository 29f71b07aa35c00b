# SPDX-License-Identifier: Apache-2.0
"""Rewrite the float QDQ form by equality saturation, so that more of it meets the pattern table."""
