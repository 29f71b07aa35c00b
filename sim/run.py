# SPDX-License-Identifier: Apache-2.0
"""Run a model on a backend, compare every bit with TVM's host execution, say where the cycles went.

python -m sim.run MODEL.onnx|.tflite|.pt2|ARTIFACT.so|PROGRAM.bin [--backend model|verilator|cocotb]
python -m sim.run MODEL.onnx|MODEL.relay|MODEL.json|ARTIFACT.so --ir relay ...

The last line is PASS or FAIL; exit status 0: every bit matches, 1: not so, 2: an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from accel.config import AccelConfig, load_config
from accel.device import Device
from accel.errors import ConfigError, ModelError, TesseraError
from accel.program import Program, from_bytes
from codegen.choices import Choices, add_options
from codegen.cost import Bus, estimate
from codegen.front import RELAY, RELAY_SUFFIXES, add_ir_options, chosen, elsewhere
from codegen.frontend import calibrate
from codegen.frontend.formats import MODELS, add_rounding
from sim.backends.open_device import BACKENDS, open_device
from sim.backends.rtl_device import RtlDevice
from sim.memory import MemoryModel, parse_memory
from sim.show import show, to_json
from sim.waves import WaveRequest

if TYPE_CHECKING:
    from sim.model import Model
    from sim.session import Result, RunProgram

Status = Callable[[str], None]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim.run",
        description="Run on a backend, compare bit for bit, report cycles per layer.",
    )
    parser.add_argument(
        "model", type=Path, help="MODEL.onnx, MODEL.tflite, ARTIFACT.so or PROGRAM.bin"
    )
    parser.add_argument("--backend", choices=BACKENDS, default="verilator")
    parser.add_argument(
        "--config", default="default", help="hardware: a name in accel/configs, or a TOML file"
    )
    parser.add_argument("--input", type=Path, help=".npz with the inputs (else: random)")
    parser.add_argument(
        "--memory",
        default="default",
        help="memory model: default, ideal8, ... and settings: random,latency=10,seed=3",
    )
    parser.add_argument("--seed", type=int, default=0, help="of random inputs")
    parser.add_argument("--waves", type=Path, metavar="FILE.fst", help="write waves, and views")
    parser.add_argument("--waves-commands", metavar="A:B", help="only while these commands run")
    parser.add_argument("--waves-layer", metavar="NAME", help="only while this op or node runs")
    parser.add_argument("--checks", action="store_true", help="with the assertions of the RTL")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="simulate segments of the model in N processes: the same cycles, sooner",
    )
    parser.add_argument(
        "--tune",
        type=int,
        metavar="N",
        help="measure the N recipes that are predicted to be fastest, use and keep the best; "
        "0: use what was kept",
    )
    parser.add_argument(
        "--tune-db",
        type=Path,
        default=Path("build/tune.json"),
        metavar="FILE.json",
        help="where recipes are kept (default: build/tune.json)",
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write a page with roofline and attribution"
    )
    add_rounding(parser)
    add_options(parser)
    calibrate.add_options(parser)
    add_ir_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        there = elsewhere("sim.run", options.ir, arguments)
        if there is not None:
            return there
        with console.status("starting") as status:
            result, config = _run(options, status.update)
        _publish(result, config, options)
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    return 0 if result.difference.same else 1


def _run(options: argparse.Namespace, status: Status) -> tuple[Result, AccelConfig]:
    """Run what the options say; the result and the configuration."""
    config = load_config(options.config)
    memory_model = parse_memory(options.memory)
    if not options.model.is_file():
        raise ModelError(f"no file {options.model}")
    if options.report is not None and options.backend == "model":
        raise ConfigError("--report: the model backend has no cycles")
    if options.report is not None and options.report.is_file():
        raise ConfigError(f"--report {options.report}: that is a file, not a folder")
    if options.model.suffix in RELAY_SUFFIXES and options.ir != RELAY:
        raise ConfigError(f"{options.model} is a Relay module: give --ir relay")
    if options.rounding is not None and options.model.suffix in (".so", ".bin"):
        raise ConfigError("--rounding: what is compiled already has its rule")
    options.model = calibrate.quantized(options.model, Path("build"), options, status)
    imported = options.model.suffix in (*MODELS, *RELAY_SUFFIXES)
    if options.tune is not None and (options.tune < 0 or not imported):
        raise ConfigError("--tune N: N is 0 or more, and the model no artifact or program")
    if options.jobs != 1 and (options.backend != "verilator" or not imported):
        raise ConfigError("--jobs N: runs a model, no artifact, on the verilator backend")
    if options.jobs < 1 or (options.jobs > 1 and (options.waves or options.checks)):
        raise ConfigError("--jobs N: N is 1 or more; waves and checks need one process")
    if options.partition != "all" and not imported:
        raise ConfigError("--partition: the model is an ONNX or TFLite file")
    waves = _wave_request(options)

    def opener(request: WaveRequest | None) -> Callable[[int], Device]:
        def open_it(memory_bytes: int) -> Device:
            device = open_device(
                options.backend,
                config,
                memory_model=memory_model,
                memory_bytes=memory_bytes,
                waves=request,
                checks=options.checks,
                report=status,
            )
            status(f"running on {options.backend}")
            if isinstance(device, RtlDevice):
                device.on_progress = lambda cycles: status(
                    f"running on {options.backend}: {cycles:,} cycles"
                )
            return device

        return open_it

    status("loading TVM")
    from sim import session

    if options.model.suffix == ".bin":
        program = from_bytes(options.model.read_bytes(), str(options.model))
        request = _narrow(waves, options.waves_layer, [program])
        result = session.run_program(program, config, opener(request), options.input, options.seed)
    elif options.model.suffix == ".so":
        result = _run_artifact(options, config, opener(waves))
    else:
        model = _compile(options, config, memory_model, status)
        programs = list(model.compiled.programs.values())
        request = _narrow(waves, options.waves_layer, programs)
        status("exporting the artifact")
        result = session.run_model(
            model,
            model.artifact(),
            config,
            opener(request),
            options.input,
            options.seed,
            _segments(options, config, memory_model, status),
        )
    return _predicted(result, config, memory_model), config


def _compile(
    options: argparse.Namespace, config: AccelConfig, memory: MemoryModel, status: Status
) -> Model:
    """Compile the model, after a search for faster recipes if that was asked for."""
    from codegen.explain_table import decision_table
    from codegen.tuning import load_database
    from sim.tune import trial_table, tune

    bus = Bus(memory.latency, memory.bytes_per_cycle)
    database = None if options.tune is None else load_database(options.tune_db)
    choices = chosen(options, database, bus)
    model = _compiled(options, config, choices, status)
    decisions = model.compiled.explanation.decisions
    if decisions:
        Console().print(decision_table(decisions, f"what pays at {options.clock:g} MHz"))
    if database is None or options.tune == 0:
        return model
    for graph in model.compiled.graphs.values():
        trials = tune(
            graph,
            config,
            database,
            most=options.tune,
            memory=memory,
            memory_name=options.memory,
            status=status,
        )
        Console().print(trial_table(graph.name, trials))
    database.save(options.tune_db)
    return _compiled(options, config, choices, status)


def _compiled(
    options: argparse.Namespace, config: AccelConfig, choices: Choices, status: Status
) -> Model:
    """Compile the model once, through the IR that was asked for."""
    from codegen.compile import Compiled, compile_for

    compiled = compile_for(options.ir, options.model, config, choices, status)
    if options.ir == RELAY:
        from codegen.relay.compile import RelayCompiled
        from sim.relay_model import RelayModel

        assert isinstance(compiled, RelayCompiled)
        return RelayModel(options.model, compiled)
    from sim.relax_model import RelaxModel

    assert isinstance(compiled, Compiled)
    return RelaxModel(options.model, compiled)


def _segments(
    options: argparse.Namespace, config: AccelConfig, memory: MemoryModel, status: Status
) -> RunProgram | None:
    """What runs programs in several processes, if that was asked for."""
    if options.jobs == 1:
        return None
    from sim.segments import run_in_segments

    return lambda program, inputs: run_in_segments(
        program, inputs, config, memory, options.jobs, status
    )


def _predicted(result: Result, config: AccelConfig, memory: MemoryModel) -> Result:
    """Add what the cost model says; it knows no random stalls."""
    if result.cycles is None or memory.stall:
        return result
    bus = Bus(memory.latency, memory.bytes_per_cycle)
    cycles = sum(estimate(call.program, config, bus).cycles for call in result.calls)
    return replace(result, predicted=cycles)


def _run_artifact(
    options: argparse.Namespace, config: AccelConfig, opener: Callable[[int], Device]
) -> Result:
    from sim import session
    from sim.model import open_artifact

    if options.input is None:
        raise ConfigError(
            "an artifact does not say what shape its inputs have: give them with --input"
        )
    if options.waves_layer is not None:
        raise ConfigError("an artifact shows its layers only when it runs: use --waves-commands")
    artifact = open_artifact(options.model, options.ir)
    return session.run_artifact(artifact, config, opener, options.input)


def _wave_request(options: argparse.Namespace) -> WaveRequest | None:
    if options.waves is None:
        if options.waves_commands or options.waves_layer:
            raise ConfigError("--waves-commands and --waves-layer need --waves FILE.fst")
        return None
    if options.waves.suffix != ".fst":
        raise ConfigError(f"--waves {options.waves}: waves are written as .fst")
    options.waves.parent.mkdir(parents=True, exist_ok=True)
    request = WaveRequest(options.waves)
    if options.waves_commands is None:
        return request
    first, _, last = options.waves_commands.partition(":")
    try:
        return replace(request, first_id=int(first), last_id=int(last or first))
    except ValueError:
        raise ConfigError(
            f"--waves-commands {options.waves_commands}: give two command ids like 3:17"
        ) from None


def _narrow(
    request: WaveRequest | None, layer: str | None, programs: Sequence[Program]
) -> WaveRequest | None:
    """Limit waves to the commands of a layer, named by op or ONNX node."""
    if request is None or layer is None:
        return request
    for program in programs:
        for index, candidate in enumerate(program.layers):
            if layer in (candidate.name, candidate.node, *candidate.node.split("+")):
                ids = [i for i, owner in enumerate(program.layer_of) if owner == index]
                return replace(request, first_id=min(ids), last_id=max(ids))
    known = ", ".join(layer.name for program in programs for layer in program.layers)
    raise ConfigError(f"--waves-layer {layer}: no such op or ONNX node; the ops are {known}")


def _publish(result: Result, config: AccelConfig, options: argparse.Namespace) -> None:
    """Write the files that were asked for, then print table and verdict."""
    if options.json is not None:
        facts = {name: str(getattr(options, name)) for name in ("model", "backend", "memory")}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(to_json(result, config, facts), encoding="utf-8")
    title = f"{options.model.name} on {options.backend}, {config.k_lanes} x {config.n_lanes}"
    waves, report = [], []
    if options.waves is not None:
        from sim.views import write_views

        waves = [options.waves]
        waves += write_views(options.waves, [call.program for call in result.calls])
    if options.report is not None:
        from sim.page import write_report
        from sim.roofline import roof_of

        roof = roof_of(config, parse_memory(options.memory))
        report = write_report(
            options.report, result.rows, roof, f"{title}, memory {options.memory}"
        )
    show(result, title, {"waves": waves, "report": report})


if __name__ == "__main__":
    sys.exit(main())
