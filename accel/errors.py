# SPDX-License-Identifier: Apache-2.0
"""Every error that a user can cause, in one tree.

TesseraError                 command-line tools catch this one: message on stderr, exit status 2
├── ConfigError              hardware that cannot be built, or a bad TOML file
├── EncodeError              a command field out of range
├── ModelError               the ONNX file: broken, unsupported opset, dynamic shapes, float
├── PlanError                a layer that does not fit the configured memories
├── ArtifactError            a program or artifact that is broken or for another configuration
├── BuildError               the simulator cannot be built
└── DeviceError              something went wrong while running
    ├── CommandError         the accelerator stopped with an error state
    └── DeviceTimeout        the device did not answer in time
"""

from __future__ import annotations


class TesseraError(Exception):
    """Root of all errors a user can cause. The text says what, where, and what to do."""


class ConfigError(TesseraError):
    """Hardware that cannot be built, or a configuration file that cannot be read."""


class EncodeError(TesseraError):
    """A command field is unknown, missing, or out of range."""


class ModelError(TesseraError):
    """The model cannot be imported."""


class PlanError(TesseraError):
    """A layer does not fit the configured memories."""


class ArtifactError(TesseraError):
    """A program or artifact is broken, or was compiled for another configuration."""


class BuildError(TesseraError):
    """The simulator cannot be built."""


class DeviceError(TesseraError):
    """Something went wrong while a program ran."""


class CommandError(DeviceError):
    """The accelerator stopped with an error state."""

    def __init__(self, message: str, *, cause: int, unit: int, command: int, info: int) -> None:
        super().__init__(message)
        self.cause = cause
        """`accel.isa.Cause`"""
        self.unit = unit
        """`accel.isa.Unit` that found it"""
        self.command = command
        """Id of the command at fault"""
        self.info = info
        """Address or value at fault"""


class DeviceTimeout(DeviceError):
    """The device did not answer in time."""
