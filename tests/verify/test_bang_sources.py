"""BANG sources that mean nothing are named before anything is ported; sound ones arrive."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import SourceFaultError
from xpiler_jupyter.port import Port

HEAD = "__mlu_global__ void k(float* a, float* b) { __nram__ float x[128]; "
LAST = " __memcpy(b + coreId * 64, x, 256, NRAM2GDRAM); }"


def ported(body: str) -> str:
    port = Port(HEAD + body + LAST, target="c", source="bang")
    port.run()
    return port.code


@pytest.mark.parametrize(("body", "why"), [
    ("__memcpy(x, a + coreId * 64, 252, GDRAM2NRAM);", "reads local memory that it never wrote"),
    ("__memcpy(x, a + coreId * 64, 256, GDRAM2NRAM); __bang_add(x, x, x, 200);", "writes 800 bytes of dst"),
    ("__memcpy(x, a, 256, GDRAM2NRAM); __bang_add(x, x, a, 64);", "a lies in global memory"),
])
def test_faults(body: str, why: str) -> None:
    with pytest.raises(SourceFaultError, match=why):
        ported(body)


def test_a_sound_one() -> None:
    code = ported("__memcpy(x, a + coreId * 64, 256, GDRAM2NRAM); __bang_active_relu(x, x, 64);")
    assert "nram" not in code and "__bang" not in code
