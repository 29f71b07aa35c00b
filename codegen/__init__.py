# SPDX-License-Identifier: Apache-2.0
"""The compiler: from an ONNX model to command streams and an exported TVM library."""
