"""Every kind of fault, with the line of the text, the block and the thread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xpiler_jupyter.errors import CompileError
from xpiler_jupyter.execute import Fault, Limits, RunResult, executor

from .conftest import entry_for, run


def f32(n: int) -> np.ndarray:
    return np.zeros(n, np.float32)


def fault(r: RunResult, kind: str, *words: str, line: int | None = None) -> Fault:
    assert r.fault is not None, "the run should have faulted"
    assert r.outputs == {} and r.fault.kind == kind, r.fault
    for w in words:
        assert w in r.fault.message, r.fault.message
    assert line is None or r.fault.line == line, r.fault
    assert "\n" not in r.fault.message
    return r.fault


COPY = """__global__ void copy(const float* A, float* C, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    C[i] = A[i];
}
"""


@pytest.mark.parametrize("platform", ["cuda", "hip"])
@pytest.mark.parametrize("reverse", [False, True])
def test_write_past_the_end(platform: str, reverse: bool) -> None:
    r = run(platform, COPY, "copy", grid=2, block=32, A=f32(64), C=f32(50), n=51 if not reverse else 64,
            reverse=reverse)
    f = fault(r, "bounds", "'C'", "write", "past")
    if not reverse:
        assert (f.line, f.block, f.thread, f.buffer) == (4, (1, 0, 0), (18, 0, 0), "C")
        assert f.message == "out-of-bounds write just past buffer 'C' (line 4, block (1,0,0), thread (18,0,0))"


def test_read_past_the_end_in_c() -> None:
    text = """extern "C" void f(const float* A, float* B, int n) {

  for (int i = 0; i < n; i++)
    B[i] = A[i + 1];
}"""
    f = fault(run("c", text, "f", A=f32(10), B=f32(10), n=10), "bounds", "read", "'A'", line=4)
    assert f.block is None and f.thread is None


def test_read_before_the_start_shows_in_the_reverse_run() -> None:
    text = 'extern "C" void f(const float* A, float* B) { B[0] = A[-1]; }'
    fault(run("c", text, "f", A=f32(10), B=f32(10), reverse=True), "bounds", "read", "before", "'A'", line=1)


def test_far_index_and_wild_pointer() -> None:
    text = 'extern "C" void f(float* A, int far) { A[far] = 1; }'
    fault(run("c", text, "f", A=f32(4), far=2**31 - 1), "bounds", "write", line=1)
    wild = 'extern "C" void f(float* A) {\n  *(float*)0x1234567890 = 1; }'
    fault(run("c", wild, "f", A=f32(4)), "bounds", "wild", line=2)
    null = 'extern "C" void f(float* A) {\n  float* p = nullptr;\n  A[0] = *p; }'
    fault(run("c", null, "f", A=f32(4)), "bounds", line=None)


def test_local_and_shared_array_index() -> None:
    text = """__global__ void k(float* A, int at) {
  __shared__ float tile[8][8];
  tile[0][0] = A[0];
  tile[threadIdx.x][at] = 1;
  A[0] = tile[0][0];
}"""
    f = fault(run("cuda", text, "k", grid=1, block=4, A=f32(4), at=8), "bounds", "'tile'", line=4)
    assert f.thread == (0, 0, 0)


def test_wrapper_names_the_device_buffer() -> None:
    text = COPY + """extern "C" void wrap(float* A, float* C, int n) {
  float *d_A, *d_C;
  cudaMalloc(&d_A, n * 4); cudaMalloc((void**)&d_C, (n - 1) * 4);
  cudaMemcpy(d_A, A, n * 4, cudaMemcpyHostToDevice);
  copy<<<(n + 31) / 32, 32>>>(d_A, d_C, n);
  cudaMemcpy(C, d_C, (n - 1) * 4, cudaMemcpyDeviceToHost);
}
"""
    f = fault(run("cuda", text, "wrap", A=f32(64), C=f32(64), n=64), "bounds", "'d_C'", line=4)
    assert f.block == (1, 0, 0) and f.thread == (31, 0, 0)


@pytest.mark.parametrize("body,words,line", [
    ("cudaMemcpy(d, A, n * 4 + 4, cudaMemcpyHostToDevice);", ["68 bytes", "64"], 4),
    ("cudaMemcpy(A, A, n * 4, cudaMemcpyHostToDevice);", ["copy", "kind"], 4),
    ("copy<<<1, 16>>>(A, d, n);", ["host pointer", "'A'"], None),
    ("A[0] = d[0];", ["device pointer", "'d'"], 4),
    ("cudaFree(d); copy<<<1, 16>>>(d, d, n);", ["after it was freed"], None),
])
def test_host_and_device_memory_do_not_mix(body: str, words: list[str], line: int | None) -> None:
    text = f"""extern "C" void wrap(float* A, int n);
__global__ void copy(const float* A, float* C, int n) {{ C[threadIdx.x] = A[threadIdx.x] + 1; }}
extern "C" void wrap(float* A, int n) {{ float* d; cudaMalloc(&d, n * 4);
  {body}
}}"""
    fault(run("cuda", text, "wrap", A=f32(16), n=16), "bounds", *words, line=line)


@pytest.mark.parametrize("platform", ["cuda", "hip"])
def test_barrier_divergence_names_both_lines(platform: str) -> None:
    text = """__global__ void k(float* A) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    A[0] = 1;
    __syncthreads();
  }
}"""
    f = fault(run(platform, text, "k", grid=1, block=32, A=f32(4)), "barrier", "line 3", "line 6", "(16,0,0)", line=3)
    assert f.thread == (0, 0, 0)


def test_deadlock_between_a_barrier_and_a_shuffle() -> None:
    text = """__global__ void k(float* A) {
  if (threadIdx.x < 16)
    A[0] = __shfl_sync(0xffffffff, 1.0f, 0);
  else
    __syncthreads();
}"""
    fault(run("cuda", text, "k", grid=1, block=32, A=f32(4)), "barrier", "deadlock", "line 3", "line 5")


@pytest.mark.parametrize("grid,block,words", [
    (1, 1025, ["blockDim.x", "1025"]), (1, (64, 32), ["2048 threads"]), ((1, 65536), 1, ["gridDim.y", "65535"]),
    (1, (1, 1, 65), ["blockDim.z", "64"]), (0, 32, ["empty"]),
])
def test_impossible_launches(grid: object, block: object, words: list[str]) -> None:
    fault(run("cuda", COPY, "copy", grid=grid, block=block, A=f32(4), C=f32(4), n=4), "launch", *words)


def test_launch_fault_in_a_wrapper_has_the_line() -> None:
    text = COPY + """extern "C" void wrap(float* A, int n) {
  copy<<<1, n>>>(A, A, n);
}"""
    fault(run("cuda", text, "wrap", A=f32(4), n=2000), "launch", "2000", line=7)


def test_shared_memory_capacity() -> None:
    text = """__global__ void small(float* A) { __shared__ float s[12000]; s[threadIdx.x] = 1; A[0] = s[0]; }
__global__ void big(float* A) { __shared__ float s[12800]; s[threadIdx.x] = 1; A[0] = s[0]; }
"""
    assert run("cuda", text, "small", grid=1, block=1, A=f32(4)).fault is None, "only its own arrays count"
    fault(run("cuda", text, "big", grid=1, block=1, A=f32(4)), "capacity", "51200", "49152")
    assert run("hip", text, "big", grid=1, block=1, A=f32(4)).fault is None
    fault(run("cuda", COPY, "copy", grid=1, block=1, shared=300 << 10, A=f32(4), C=f32(4), n=4), "capacity")


def test_arithmetic() -> None:
    text = 'extern "C" void f(int* A, int n) {\n  A[0] = 7 / n;\n}'
    fault(run("c", text, "f", A=np.zeros(1, np.int32), n=0), "arithmetic", "zero", line=2)


def test_endless_loop_says_where() -> None:
    text = """__global__ void k(volatile float* A) {
  while (A[0] == 0) {
  }
}"""
    f = fault(run("cuda", text, "k", grid=1, block=2, A=f32(4), limits=Limits(seconds=0.3)), "timeout", "0.3 s")
    assert f.line in (2, 3)


def test_stack_overflow_and_large_local_arrays() -> None:
    text = """extern "C" int f(int* A, int n);
extern "C" int f(int* A, int n) {
  volatile int deep[1000]; deep[n % 1000] = n;
  return f(A, n + 1) + deep[0] + A[0];
}"""
    fault(run("c", text, "f", A=np.zeros(1, np.int32), n=0), "memory", "stack overflow")
    big = """extern "C" void f(float* A) { volatile float t[4000000]; t[3999999] = A[0]; A[1] = t[3999999] + 1; }"""
    assert run("c", big, "f", A=f32(2)).outputs["A"][1] == 1


def test_misaligned_vector_access() -> None:
    text = "__global__ void k(float* A) { float4* v = (float4*)(A + 1); v[0] = make_float4(1, 2, 3, 4); }"
    r = run("cuda", text, "k", grid=1, block=1, A=f32(64))
    assert r.fault is None or r.fault.kind == "bounds"


@pytest.mark.parametrize("text,entry,line,column,words", [
    ("__global__ void k(float* A) {\n  A[0] = B[0];\n}", "k", 2, 10, "'B'"),
    ("__global__ void k(float* A) {\n  A[0] = 1\n}", "k", 2, None, "';'"),
    ("__global__ void k(float* A) { A[0] = 1; }\nextern \"C\" void w(float* A) {\n  k<<<1, 1>>>(A, nope);\n}", "w", 3, 18,
     "nope"),
    ("#include <mma.h>\n__global__ void k(float* A) {\n  frobnicate f;\n}", "k", 3, 3, "frobnicate"),
])
def test_compile_errors_have_the_texts_own_place(text: str, entry: str, line: int, column: int | None, words: str) -> None:
    with pytest.raises(CompileError) as e:
        executor("cuda", "sim").compile(text, replace(entry_for("k", {"A": f32(1)}), function=entry))
    assert e.value.line == line and words in e.value.message, e.value
    assert column is None or e.value.column == column


def test_a_header_that_is_not_here_is_named_when_it_is_missed() -> None:
    head = "#include \"mine.h\"\n"
    run("cuda", head + "__global__ void k(float* A) { A[0] = 1; }", "k", grid=1, block=1, A=f32(1))
    with pytest.raises(CompileError, match="Offset") as e:
        executor("cuda", "sim").compile(head + "__global__ void k(float* A) { A[Offset] = 1; }", entry_for("k", {"A": f32(1)}))
    assert e.value.line == 2 and "mine.h" in (e.value.hint or "")


def test_what_the_entry_does_not_need_is_not_compiled() -> None:
    """A file as pasted: its harness is beyond the simulator, and only the line numbers of it matter."""
    text = """#include <vector>
using namespace harness;
#define CHECK(x) verify((x), __LINE__)
typedef std::vector<float> Numbers;
template <typename T> struct Pair { T a, b; };
static Numbers kept;
static void verify(int status, int line) { if (status) printf("%d", line); }
static void report(const Numbers& x) { for (auto v : x) std::cout << v; }
__device__ float twice(Pair<float> p) { return 2 * p.a; }
enum { FIRST, SECOND };
__global__ void k(float* A) { A[0] = twice({A[SECOND], 0}); }
extern "C" void host(float* A) {
  float* d;
  CHECK(cudaMalloc(&d, 8));
  CHECK(cudaMemcpy(d, A, 8, cudaMemcpyHostToDevice));
  k<<<1, 1>>>(d);
  CHECK(cudaMemcpy(A, d, 8, cudaMemcpyDeviceToHost));
}
int main() { Numbers x(2); host(x.data()); report(x); }
"""
    assert run("cuda", text, "host", A=f32(2) + 3).outputs["A"][0] == 6
    bound = """
#define BIND(type) void bind_##type(harness::Tensor x) { k_##type<<<1, 1>>>((type*)x.data()); }
__global__ void k_float(float* A) { A[0] = 7; }
BIND(float)
HARNESS(module) { module.add(bind_float); }
"""
    assert run("cuda", text + bound, "k_float", grid=1, block=1, A=f32(1)).outputs["A"][0] == 7
    broken = text.replace("A[0] = twice", "A[0] = thrice")
    with pytest.raises(CompileError) as e:
        executor("cuda", "sim").compile(broken, entry_for("k", {"A": f32(1)}))
    assert e.value.line == 11


def test_an_entry_that_is_not_there() -> None:
    with pytest.raises(CompileError, match="no function 'missing'"):
        executor("c", "sim").compile("int x;", entry_for("missing", {}))
    with pytest.raises(CompileError):
        executor("c", "sim").compile('extern "C" void f(float* A, int n) {}', entry_for("f", {"A": f32(1)}))


def test_a_function_nobody_defines_is_a_compile_error() -> None:
    text = 'extern "C" float nobody(float);\nextern "C" void f(float* A) { A[0] = nobody(A[0]); }'
    with pytest.raises(CompileError, match="nobody"):
        run("c", text, "f", A=f32(1))


def test_warnings_are_kept_with_the_cached_library() -> None:
    text = 'extern "C" void f(int* A, int n) {\n  int x;\n  if (n) A[0] = x; else A[0] = 1;\n  A[1] = A[0] == A[0];\n}'
    for _ in range(2):
        log = executor("c", "sim").compile(text, entry_for("f", {"A": np.zeros(2, np.int32), "n": 1})).log
        assert "line 3" in log or "line 4" in log
