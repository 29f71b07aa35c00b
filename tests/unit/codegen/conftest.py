# SPDX-License-Identifier: Apache-2.0
"""What the tests of the front end share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def quick_host_code() -> Iterator[None]:
    """TVM's host code without LLVM's optimizations: compiled in half the time, with the same bits.

    For files that compile hundreds of models and run each once. Optimized host code is what the
    tests end to end and the conformance tests compare with.
    """
    import tvm

    from codegen import artifact

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifact, "TARGET", tvm.target.Target({"kind": "llvm", "opt-level": 0}))
        yield
