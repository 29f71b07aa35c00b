# SPDX-License-Identifier: Apache-2.0
"""One exported TVM 0.19 library: graph executor, host code, and stubs with their programs.

`relay.ext.tessera` is what Relay calls for every function that PartitionGraph marked with
`Compiler = "tessera"`; it answers with the function's stub, which hands the program to
`tessera.run` (accel/tvm_runtime.py).
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import tvm
from tvm import autotvm, relay

from accel.program import Program
from accel.tvm_runtime import SYMBOL
from codegen.relay.patterns import PREFIX
from codegen.stubs import BLOB, MOST_TENSORS, Interface, compile_stubs, publish

TARGET = "llvm"
OPT_LEVEL = 1
"""Lowers qnn ops and fuses; higher levels compile longer, for schedules that nobody tuned."""
FOLDING = 2
"""The first level that folds constants; per-channel qnn.requantize cannot be built without."""

_PROLOGUE = """\
#include <string.h>
#include <tvm/runtime/c_runtime_api.h>
#define MOST_TENSORS %d
static int call(const unsigned char* program, long long size, TVMValue* args, int* kinds,
                int count, TVMValue* result, int* result_kind) {
  TVMFunctionHandle run = NULL; /* looked up each time: who is bound may have changed */
  if (TVMFuncGetGlobal("%s", &run) != 0) return -1;
  if (run == NULL || count >= MOST_TENSORS) {
    TVMAPISetLastError("no driver: import accel.tvm_runtime and run the artifact inside bind(...)");
    return -1;
  }
  int64_t shape = size, stride = 1;
  DLTensor blob;
  memset(&blob, 0, sizeof blob);
  blob.data = (void*)program;
  blob.device.device_type = kDLCPU;
  blob.ndim = 1;
  blob.dtype.code = kDLUInt;
  blob.dtype.bits = 8;
  blob.dtype.lanes = 1;
  blob.shape = &shape;
  blob.strides = &stride;
  TVMValue all[MOST_TENSORS];
  int all_kinds[MOST_TENSORS];
  all[0].v_handle = &blob;
  all_kinds[0] = kTVMDLTensorHandle;
  memcpy(all + 1, args, (size_t)count * sizeof(TVMValue));
  memcpy(all_kinds + 1, kinds, (size_t)count * sizeof(int));
  int status = TVMFuncCall(run, all, all_kinds, count + 1, result, result_kind);
  TVMFuncFree(run);
  return status;
}
"""

_STUB = Template(
    BLOB
    + """\
TVM_DLL int ${name}(TVMValue* args, int* kinds, int count, TVMValue* result, int* result_kind,
                    void* resource) {
  (void)resource;
  return call(${name}_program, ${name}_program_end - ${name}_program, args, kinds, count, result,
              result_kind);
}
"""
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
    with tempfile.TemporaryDirectory(prefix="tessera-") as name:
        work = Path(name)
        tvm.register_func(
            f"relay.ext.{PREFIX}",
            lambda function: _stub(str(function.attrs["global_symbol"]), programs, work),
            override=True,
        )
        library = work / "library.so"
        compile_host(module).export_library(str(library))
        publish(library, path)


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
    interface = Interface(_PROLOGUE % (MOST_TENSORS, SYMBOL), _STUB)
    stub = compile_stubs(interface, {symbol: programs[symbol]}, _include_paths(), folder)
    return tvm.get_global_func("runtime.ModuleLoadStaticLibrary")(str(stub), [symbol])


def _include_paths() -> list[str]:
    package = Path(tvm.__file__).parent
    return [str(package / "include"), str(package / "3rdparty" / "dlpack" / "include")]
