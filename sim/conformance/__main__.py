# SPDX-License-Identifier: Apache-2.0
"""Run ONNX's backend tests through the kit and say what passes, where, and why the rest fails.

python -m sim.conformance [--config NAME|FILE.toml] [--light] [--baseline] [--json FILE]

Exit status 0: every case passes that can be compiled ahead of time; 1: not so; 2: an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from accel.config import load_config
from accel.errors import TesseraError
from sim.conformance.report import Row, print_table, to_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sim.conformance", description=__doc__)
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument(
        "--baseline", action="store_true", help="run unmodified TVM as well, for comparison"
    )
    parser.add_argument(
        "--light", action="store_true", help="the light_* models, too: whole networks, minutes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all verdicts as JSON")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        config = load_config(options.config)
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    with console.status("loading the cases") as status:
        from sim.conformance.cases import collect, with_constants
        from sim.conformance.execute import run_kit, run_tvm
        from sim.conformance.light import collect_light
        from sim.conformance.quantized import as_int8

        rows = []
        for case in collect():
            status.update(case.name)
            fixed, island = with_constants(case), as_int8(case)
            rows.append(
                Row(
                    kit := run_kit(case, config),
                    kit if fixed is case else run_kit(fixed, config),
                    None if island is None else run_kit(island, config),
                    (run_tvm(case), run_tvm(fixed)) if options.baseline else None,
                )
            )
        for case in collect_light() if options.light else ():
            status.update(case.name)
            kit = run_kit(case, config)
            tvm = run_tvm(case) if options.baseline else None
            rows.append(Row(kit, kit, None, None if tvm is None else (tvm, tvm)))
    print_table(rows, Console(width=130))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(to_json(rows), encoding="utf-8")
    required = [v for row in rows for v in (row.with_constants, row.as_int8) if v]
    return 0 if all(verdict.passed for verdict in required) else 1


if __name__ == "__main__":
    sys.exit(main())
