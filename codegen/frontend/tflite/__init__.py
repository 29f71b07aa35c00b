# SPDX-License-Identifier: Apache-2.0
"""TFLite files as ONNX models with QDQ islands."""
