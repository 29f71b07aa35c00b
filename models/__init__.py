# SPDX-License-Identifier: Apache-2.0
"""Scripts that build or train the networks we run: ONNX files out, nothing downloaded."""
