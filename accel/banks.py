# SPDX-License-Identifier: Apache-2.0
"""Which rows of a tensor can be read in one cycle: those whose words lie in different banks.

Word `w` of the activation SRAM is in bank `w % act_banks`, so the pitch of a tensor decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accel.config import AccelConfig


@dataclass(frozen=True, slots=True)
class Gather:
    """Rows that a pass of CONV reads at once (modes DEPTHWISE and FOLD)."""

    rows: int
    dilation: int
    """Distance of the rows, in rows of the tensor."""
    words: int
    """Most words that it touches in a row."""

    def legal(self, pitch: int, config: AccelConfig) -> bool:
        """Whether the rows lie in different banks when rows are `pitch` bytes apart.

        Every two must be at least `words` banks apart, in either direction round the banks.
        """
        step = self.dilation * (pitch // config.k_lanes)
        apart = [row * step % config.act_banks for row in range(1, self.rows)]
        return all(self.words <= banks <= config.act_banks - self.words for banks in apart)


def fold_words(fold_bytes: int, config: AccelConfig) -> int:
    """Most words over which `fold_bytes` consecutive bytes can lie."""
    return (fold_bytes + config.k_lanes - 2) // config.k_lanes + 1


def banked_pitch(least: int, gathers: Iterable[Gather], config: AccelConfig) -> int | None:
    """Smallest pitch of whole words and bus beats that suits all gathers; None if none does.

    Args:
        least: bytes of a row.
        gathers: how the tensor is read.
        config: the hardware.
    """
    unit = max(config.k_lanes, config.bus_bytes)
    first = -(-least // unit) * unit
    wanted = list(gathers)
    pitches = range(first, first + config.act_banks * config.k_lanes + unit, unit)
    return next((p for p in pitches if all(g.legal(p, config) for g in wanted)), None)
