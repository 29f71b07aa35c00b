# SPDX-License-Identifier: Apache-2.0
"""Times on the host: measured once, kept by workload, or given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from accel.errors import ConfigError
from codegen.host_times import Workload, load_host_times

WORKLOADS = {
    "a": Workload("key1", "conv2d", None),
    "b": Workload("key2", "add", None),
    "c": Workload("key1", "conv2d", None),
}


def test_each_workload_is_measured_once_and_kept(tmp_path: Path) -> None:
    asked: list[set[str]] = []

    def measure(unknown: Mapping[str, Workload]) -> dict[str, float]:
        asked.append(set(unknown))
        return {key: 2.5 * (index + 1) for index, key in enumerate(sorted(unknown))}

    path = tmp_path / "new" / "times.json"
    expected = {"a": 2.5, "b": 5.0, "c": 2.5}
    times = load_host_times(path)
    assert times.microseconds(WORKLOADS, measure) == expected
    assert times.microseconds(WORKLOADS, measure) == expected
    assert load_host_times(path).microseconds(WORKLOADS, measure) == expected
    assert asked == [{"key1", "key2"}]
    assert load_host_times(path).entries["key2"].what == "add"


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"k": 3}',
        '{"k": {"what": "x"}}',
        '{"k": {"what": "x", "us": -1}}',
        '{"k": {"what": "x", "us": NaN}}',
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "times.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="holds no host times"):
        load_host_times(path)
