"""Calls of kernels through their address, so that they are compiled once and not into every caller.

Numba optimises all that a function calls anew with each function that calls it. Large kernels that
call one another would be compiled four or five times over in an empty cache. A kernel called by its
address is compiled by itself, before its callers or after them, in this process or another, and its callers need not
be compiled again when it changes.
"""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic


def address_of(kernel: Any, arguments: tuple[Any, ...], result: Any) -> int:
    """Address of the machine code of a kernel for arguments of these types, in this process.

    Parameters
    ----------
    kernel : numba dispatcher
    arguments : tuple of numba types
    result : numba type
        What it returns, as its callers were told.
    """
    if arguments not in kernel.overloads:
        kernel.compile(arguments)
    compiled = kernel.overloads[arguments]
    found = compiled.signature.return_type
    assert found == result, f"{kernel.py_func.__name__} returns {found}, its callers expect {result}"
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def caller(kernel: Any, arguments: tuple[Any, ...], result: Any) -> Callable[..., Any]:
    """A function for other kernels, ``call(address, (a, b, ...))``, that calls what `address_of` found.

    Parameters
    ----------
    kernel : numba dispatcher
    arguments : tuple of numba types
        Others are refused when the caller is compiled.
    result : numba type
        What the kernel returns; it is not compiled to find out.
    """

    @intrinsic
    def call(typing_context: Any, address: Any, given: Any) -> Any:
        if tuple(map(plain, given)) != arguments:
            raise TypingError(f"{kernel.py_func.__name__} is called with {tuple(given)}, not {arguments}")

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            place, packed = values
            function_type = context.call_conv.get_function_type(result, arguments)
            function = builder.inttoptr(place, function_type.as_pointer())
            unpacked = [builder.extract_value(packed, i) for i in range(len(arguments))]
            status, out = context.call_conv.call_function(builder, function, result, arguments, unpacked)
            with builder.if_then(status.is_error, likely=False):
                context.call_conv.return_status_propagate(builder, status)
            return out

        return result(types.int64, given), codegen

    return call


def plain(kind: Any) -> Any:
    """The type of what is given as a kernel declares it: a plain tuple for the rest of the arguments, writable arrays.

    Arrays that a caller may only read, as nutpie's own, look the same to machine code, and these kernels change none.
    """
    if isinstance(kind, types.BaseTuple):
        return types.Tuple(tuple(map(plain, kind)))
    return kind.copy(readonly=False) if isinstance(kind, types.Array) and not kind.mutable else kind
