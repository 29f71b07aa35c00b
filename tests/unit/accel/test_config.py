# SPDX-License-Identifier: Apache-2.0
"""A configuration that cannot be built is refused with the rule and the values."""

from dataclasses import asdict, replace

import pytest

from accel.config import CONFIG_DIR, AccelConfig, load_config, parse_config
from accel.errors import ConfigError

NAMED = sorted(path.stem for path in CONFIG_DIR.glob("*.toml"))


@pytest.mark.parametrize("name", NAMED)
def test_named_configurations_are_complete_and_buildable(name: str) -> None:
    assert load_config(name).macs_per_cycle > 0


def test_default_file_is_the_default_object() -> None:
    assert load_config("default") == AccelConfig()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k_lanes": 5}, "k_lanes=5, n_lanes=16: each must be one of"),
        ({"n_lanes": 32}, "set n_lanes = k_lanes or depthwise = false"),
        ({"k_lanes": 32}, "n_lanes=16 is not a multiple of k_lanes=32"),
        ({"bus_bytes": 12}, "bus_bytes=12: must be 4, 8, 16, 32 or 64"),
        ({"k_lanes": 4, "n_lanes": 4, "bus_bytes": 32}, "does not divide a weight tile of 16"),
        ({"act_banks": 3}, "act_banks=3: must be"),
        ({"k_lanes": 4, "act_banks": 2}, "cannot take a bus beat of 16 bytes; raise act_banks"),
        ({"act_kib": 100}, "act_kib=100: must be a power of two"),
        ({"k_lanes": 32, "n_lanes": 32, "weight_kib": 1}, "cannot hold two weight tiles of 1024"),
        ({"acc_entries": 16}, "acc_entries=16: must be a power of two from 32"),
        ({"queue_depth": 1}, "queue_depth=1: must be a power of two from 2 to 64"),
        ({"burst_beats": 256, "bus_bytes": 64}, "crosses the 4 KiB AXI limit"),
    ],
)
def test_unbuildable_hardware_says_why(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(AccelConfig(), **change)


def test_unknown_missing_and_mistyped_parameters_are_named() -> None:
    table = asdict(AccelConfig())
    with pytest.raises(ConfigError, match="here: unknown parameter lanes"):
        parse_config(table | {"lanes": 1}, "here")
    with pytest.raises(ConfigError, match="here: missing parameter act_kib"):
        parse_config({k: v for k, v in table.items() if k != "act_kib"}, "here")
    with pytest.raises(ConfigError, match="here: vector=1 must be of type bool"):
        parse_config(table | {"vector": 1}, "here")


def test_a_file_that_is_no_toml_is_named(tmp_path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("k_lanes = = 3")
    with pytest.raises(ConfigError, match=r"bad\.toml: not valid TOML"):
        load_config(path)
    with pytest.raises(ConfigError, match="no configuration nope; named ones are: default"):
        load_config("nope")


def test_digest_tells_configurations_apart() -> None:
    assert len({load_config(name).digest() for name in NAMED}) == len(NAMED)


def test_parameter_records_fill_whole_beats() -> None:
    """9 bytes a lane, up to the next multiple of the bus."""
    config = replace(AccelConfig(), n_lanes=32, param_kib=1, bus_bytes=64, depthwise=False)
    assert config.param_record_bytes == 320
