# SPDX-License-Identifier: Apache-2.0
"""What the benchmark networks cost on RTL, beside what others have published."""
