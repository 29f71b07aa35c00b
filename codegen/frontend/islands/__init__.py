# SPDX-License-Identifier: Apache-2.0
"""Integer forms of islands, by kind of op."""
