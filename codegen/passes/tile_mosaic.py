# SPDX-License-Identifier: Apache-2.0
"""Commands of one band of a mosaic: those of its patches, which write every step-th pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accel.config import AccelConfig
from codegen import ir
from codegen.bands import Bands, PatchRows
from codegen.passes.tile_conv import Packed, conv_band, pack_conv
from codegen.passes.tile_vector import pool_band
from codegen.stream import Band, Stream, View


@dataclass(frozen=True, slots=True)
class MosaicPlan:
    """A mosaic with the constants of its convolutions."""

    packed: tuple[Packed | None, ...]
    """By patch; None for pools."""

    @property
    def weight_bytes(self) -> int:
        """Weights of all patches."""
        return sum(conv.weights.size for conv in self.packed if conv is not None)


def pack_mosaic(op: ir.Mosaic, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> MosaicPlan:
    """Pack weights and parameters once for all bands."""
    return MosaicPlan(
        tuple(
            pack_conv(patch.op, tensors, config, key) if isinstance(patch.op, ir.Conv) else None
            for key, patch in enumerate(op.patches)
        )
    )


def mosaic_band(stream: Stream, plan: MosaicPlan, geometry: Bands, band: Band) -> None:
    """Emit the commands of a band."""
    for conv, (patch, inner) in zip(plan.packed, geometry.patches, strict=True):
        image, row = geometry.locate(band.rows[0])
        first, count = PatchRows.of(patch, inner.vertical).among(row, band.rows[1])
        if not count:
            continue
        rows = image * patch.size[0] + first, count
        base = image * geometry.image_rows + patch.first[0] + first * patch.step[0]
        output = View(
            band.output.at(base, patch.first[1]),
            rows[0],
            band.output.plane,
            band.output.pitch * patch.step[0],
            band.output.word * patch.step[1],
        )
        own = Band(rows, band.blocks, band.inputs, output)
        if conv is not None:
            conv_band(stream, conv, inner, own)
        elif isinstance(patch.op, ir.Pool):
            pool_band(stream, patch.op, inner, own)
