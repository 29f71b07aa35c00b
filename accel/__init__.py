# SPDX-License-Identifier: Apache-2.0
"""The contract: what hardware and software agree on. Pure Python and NumPy."""
