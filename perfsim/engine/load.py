"""Machine code made callable, without numba: what every run needs of the compiled engine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

from llvmlite import binding

ENTRY_NAME = "perfsim_act"

Act = Callable[[int, int, int], int]
"""act(address, what, now): see entry.py."""

# numba's form of a function: where the result goes, where what it raises goes, arguments; returns 0 if all is well.
_NATIVE = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_int64,
    ctypes.c_int64,
    ctypes.c_int64,
)


@cache
def linked(code: bytes) -> Act:
    """Put an object file made by compile.object_code() into this process, once. Raises ValueError if it is none.

    Several threads may be in it at once: each call has places of its own for what comes out.
    """
    native, linker = _native(code)

    def act(address: int, what: int, now: int, _keep: object = linker) -> int:
        result = ctypes.c_int64()
        status = native(ctypes.byref(result), ctypes.byref(ctypes.c_void_p()), address, what, now)
        assert status == 0, f"compiled code raised: status {status}"
        return result.value

    return act


def _native(code: bytes) -> tuple[Callable[..., int], object]:
    """The function, which lets other threads of Python's run meanwhile, and what must live as long as it."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(codemodel="jitdefault", jit=True)
    linker = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    linker.add_object_file(binding.ObjectFileRef.from_data(code))
    linker.finalize_object()
    return _NATIVE(linker.get_function_address(ENTRY_NAME)), linker
