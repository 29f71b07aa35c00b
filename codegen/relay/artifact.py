# SPDX-License-Identifier: Apache-2.0
"""One exported TVM 0.19 library: graph executor, host code, and stubs with their programs.

`relay.ext.tessera` is what Relay calls for every function that PartitionGraph marked with
`Compiler = "tessera"`; it answers with the function's stub, which hands the program to
`tessera.run` (accel/tvm_runtime.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import tvm
from tvm import autotvm, relay

from accel.program import Program
from codegen.relay.patterns import PREFIX
from codegen.stubs import Interface, compile_stubs, publishing

TARGET = "llvm"
OPT_LEVEL = 1
"""Lowers qnn ops and fuses; higher levels compile longer, for schedules that nobody tuned."""
FOLDING = 2
"""The first level that folds constants; per-channel qnn.requantize cannot be built without."""

_INTERFACE = Interface(
    header="tvm/runtime/c_runtime_api.h",
    call="""\
static int call(DLTensor* program, TVMValue* args, int* kinds, int count, TVMValue* result,
                int* result_kind) {
  TVMFunctionHandle run = NULL; /* looked up each time: who is bound may have changed */
  if (TVMFuncGetGlobal(SYMBOL, &run) != 0) return -1;
  if (run == NULL || count >= MOST_TENSORS) {
    TVMAPISetLastError(NO_DRIVER);
    return -1;
  }
  TVMValue all[MOST_TENSORS];
  int all_kinds[MOST_TENSORS];
  all[0].v_handle = program;
  all_kinds[0] = kTVMDLTensorHandle;
  memcpy(all + 1, args, (size_t)count * sizeof(TVMValue));
  memcpy(all_kinds + 1, kinds, (size_t)count * sizeof(int));
  int status = TVMFuncCall(run, all, all_kinds, count + 1, result, result_kind);
  TVMFuncFree(run);
  return status;
}
""",
    stub=Template("""\
TVM_DLL int ${name}(TVMValue* args, int* kinds, int count, TVMValue* result, int* result_kind,
                    void* resource) {
  Bytes program;
  (void)resource;
  return call(${name}_bytes(&program), args, kinds, count, result, result_kind);
}
"""),
)


def export(module: Any, programs: Mapping[str, Program], path: Path) -> None:
    """Build the library.

    Args:
        module: partitioned Relay module; its regions have the symbols of `programs`.
        programs: by symbol.
        path: the file to write; it appears only when complete.

    Raises:
        ArtifactError: no C compiler, or it fails.
    """
    with publishing(path) as library:
        tvm.register_func(
            f"relay.ext.{PREFIX}",
            lambda function: _stub(str(function.attrs["global_symbol"]), programs, library.parent),
            override=True,
        )
        compile_host(module).export_library(str(library))


def compile_host(module: Any, opt_level: int = OPT_LEVEL) -> Any:
    """Compile a Relay module for the host CPU."""
    autotvm.GLOBAL_SCOPE.silent = True  # of schedules that nobody tuned
    with tvm.transform.PassContext(opt_level=opt_level), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TVM uses what it deprecates
        return relay.build(module, TARGET)


def _stub(symbol: str, programs: Mapping[str, Program], work: Path) -> Any:
    """Stub and program of one region, as a TVM module."""
    folder = work / symbol
    folder.mkdir()
    stub = compile_stubs(_INTERFACE, {symbol: programs[symbol]}, _include_paths(), folder)
    return tvm.get_global_func("runtime.ModuleLoadStaticLibrary")(str(stub), [symbol])


def _include_paths() -> list[str]:
    package = Path(tvm.__file__).parent
    return [str(package / "include"), str(package / "3rdparty" / "dlpack" / "include")]
