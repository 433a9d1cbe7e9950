"""Functions that see the bits of a number as another type: (of what, as what) by canonical name, which is CUDA's and HIP's."""

from __future__ import annotations

from .types import BF16, F16, F32, F64, I16, I32, I64, U16, U32, ScalarType

BIT_CASTS: dict[str, tuple[ScalarType, ScalarType]] = {
    "__float_as_int": (F32, I32), "__float_as_uint": (F32, U32), "__int_as_float": (I32, F32), "__uint_as_float": (U32, F32),
    "__double_as_longlong": (F64, I64), "__longlong_as_double": (I64, F64),
    "__half_as_ushort": (F16, U16), "__half_as_short": (F16, I16), "__ushort_as_half": (U16, F16),
    "__short_as_half": (I16, F16), "__bfloat16_as_ushort": (BF16, U16), "__ushort_as_bfloat16": (U16, BF16),
}
