# SPDX-License-Identifier: Apache-2.0
"""The functional model: the living definition of what each command does. It claims no cycles."""
