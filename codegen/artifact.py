# SPDX-License-Identifier: Apache-2.0
"""One exported TVM library with everything inside.

Host code, and per region a stub with its program (stubs.py), all in one object file that TVM links
into the library. It needs nothing but the TVM runtime and a driver (accel/tvm_runtime.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import tvm
import tvm_ffi
from tvm import relax

from accel.program import Program
from codegen.partition.patterns import PREFIX
from codegen.stubs import Interface, compile_stubs, publishing

TARGET = "llvm"

_INTERFACE = Interface(
    header="tvm/ffi/c_api.h",
    call="""\
static int call(DLTensor* program, const TVMFFIAny* args, int count, TVMFFIAny* result) {
  TVMFFIObjectHandle run = NULL; /* looked up each time: who is bound may have changed */
  TVMFFIByteArray name = {SYMBOL, sizeof SYMBOL - 1};
  if (TVMFFIFunctionGetGlobal(&name, &run) != 0) return -1;
  if (run == NULL || count >= MOST_TENSORS) {
    TVMFFIErrorSetRaisedFromCStr("RuntimeError", NO_DRIVER);
    return -1;
  }
  TVMFFIAny all[MOST_TENSORS];
  memset(all, 0, sizeof all);
  all[0].type_index = kTVMFFIDLTensorPtr;
  all[0].v_ptr = program;
  memcpy(all + 1, args, (size_t)count * sizeof(TVMFFIAny));
  int status = TVMFFIFunctionCall(run, all, count + 1, result);
  TVMFFIObjectDecRef(run);
  return status;
}
""",
    stub=Template("""\
TVM_FFI_DLL_EXPORT int __tvm_ffi_${name}(void* self, const TVMFFIAny* args, int32_t count,
                                         TVMFFIAny* result) {
  Bytes program;
  (void)self;
  return call(${name}_bytes(&program), args, count, result);
}
"""),
)


def export(module: Any, programs: Mapping[str, Program], path: Path) -> None:
    """Build the library.

    Args:
        module: partitioned Relax module; its regions have the symbols of `programs`.
        programs: by symbol.
        path: the file to write; it appears only when complete.

    Raises:
        ArtifactError: no C compiler, or it fails.
    """
    with publishing(path) as library:
        if programs:
            stubs = _stubs(programs, library.parent)
            tvm_ffi.register_global_func(f"relax.ext.{PREFIX}", lambda *_: [stubs], override=True)
            module = relax.transform.RunCodegen()(module).without_attr("const_name_to_constant")
        compile_host(module).export_library(str(library))


def compile_host(module: Any, pipeline: Any = "default") -> Any:
    """Compile a Relax module for the host CPU, with TVM's passes or another `pipeline`."""
    return tvm.compile(module, TARGET, relax_pipeline=pipeline)


def _stubs(programs: Mapping[str, Program], work: Path) -> Any:
    """The stubs and programs as a TVM module."""
    stubs = compile_stubs(_INTERFACE, programs, _include_paths(), work)
    load = tvm_ffi.get_global_func("runtime.ModuleLoadStaticLibrary")
    return load(str(stubs), list(programs))


def _include_paths() -> list[str]:
    from tvm_ffi import libinfo

    return [libinfo.find_include_path(), libinfo.find_dlpack_include_path()]
