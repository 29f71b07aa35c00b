# SPDX-License-Identifier: Apache-2.0
"""From a model file to integer Relax. TVM is imported here and in `codegen.partition` only."""
