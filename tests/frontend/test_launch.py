"""Host code, launch comments, and kernels that nobody launches."""

import pytest
from frontend_samples import TILED, WRAPPED

from xpiler_jupyter.errors import UnsupportedError, UsageError, XpilerError
from xpiler_jupyter.frontend import parse, parse_module
from xpiler_jupyter.ir.nodes import Alloc, Const, For, HostArg, Var
from xpiler_jupyter.ir.types import I32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms.expr_text import ExprText
from xpiler_jupyter.platforms.registry import get

ADD = "__global__ void add(float* a, const float* b, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; " \
      "if (i < n) a[i] += b[i]; }\n"


def extents(kernel):
    return {n.axis: n.hi for n in walk(kernel.body) if isinstance(n, For) and n.axis}


def test_wrapper_gives_launch_buffers_and_directions():
    k = parse(WRAPPED, "cuda")
    assert extents(k) == {"blockIdx.x": Var("blocks", I32), "threadIdx.x": Const(128, I32)}
    assert [p.name for p in k.sizes] == ["blocks"]
    assert [p.extent for p in k.params] == [Var("count", I32), Var("count", I32), None]
    assert k.host.name == "run" and [p.name for p in k.host.params] == ["x", "y", "n", "blocks"]
    assert k.host.args == (HostArg("out", "y", None, False, True), HostArg("in", "x", None, True, False),
                           HostArg("count", None, Var("n", I32), False, False))


def test_hip_calls_and_the_launch_macro():
    text = WRAPPED.replace("cuda", "hip").replace("elu<<<grid, block>>>(dy, dx, n);",
                                                  "hipLaunchKernelGGL(elu, grid, dim3(threads), 0, 0, dy, dx, n);")
    assert parse(text, "hip").host == parse(WRAPPED, "cuda").host
    assert extents(parse(text, "hip")) == extents(parse(WRAPPED, "cuda"))


def test_main_with_literals_gives_the_launch_but_no_wrapper():
    text = "__global__ void k(float* a, int n) { extern __shared__ float t[]; t[threadIdx.x] = a[threadIdx.x]; }\n" \
           "#define CHECK(x) do { if ((x) != cudaSuccess) { exit(1); } } while (0)\n" \
           "int main() { const int N = 64; float h[N]; float* d; CHECK(cudaMalloc(&d, N * sizeof(float)));\n" \
           "for (int i = 0; i < N; i++) h[i] = i;\n" \
           "cudaMemcpy(d, h, N * 4, cudaMemcpyHostToDevice); k<<<1, N, N * sizeof(float)>>>(d, N); return 0; }"
    k = parse(text, "cuda")
    assert k.host is None and extents(k) == {"threadIdx.x": Const(64, I32)}
    shared = next(n for n in walk(k.body) if isinstance(n, Alloc))
    assert (shared.memory, shared.shape) == ("shared", (Const(64, I32),))
    assert k.params[0].extent == Var("n", I32)


def test_dim3_of_names_is_no_function_declaration():
    text = ADD + "extern \"C\" void run(float* a, float* b, int n, int m) { float *da, *db; cudaMalloc(&da, n * 4); " \
                 "cudaMalloc(&db, n * 4); cudaMemcpy(da, a, n * 4, cudaMemcpyHostToDevice); cudaMemcpy(db, b, n * 4, " \
                 "cudaMemcpyHostToDevice); dim3 g(m * n, m); dim3 blk(n); add<<<g, blk>>>(da, db, n); " \
                 "cudaMemcpy(a, da, n * 4, cudaMemcpyDeviceToHost); }"
    got = extents(parse(text, "cuda"))
    assert got["threadIdx.x"] == Var("n", I32) and got["blockIdx.y"] == Var("m", I32) and got["blockIdx.x"].op == "*"


def test_launch_comment_over_the_kernels_names_and_macros():
    k = parse("#define BS 128\n// Adds.\n// launch: grid((n + BS - 1) / BS) block(BS)\n" + ADD, "cuda")
    got = extents(k)
    assert got["threadIdx.x"] == Const(128, I32) and got["blockIdx.x"].op == "/" and not k.sizes
    assert k.comments == ("Adds.",) and got["blockIdx.x"].span is None


def test_without_a_launch_the_extents_are_sizes():
    k = parse(TILED, "cuda")
    assert {p.name for p in k.sizes} == {"gridDim.x", "gridDim.y", "blockDim.x", "blockDim.y"}
    assert extents(k)["threadIdx.y"] == Var("blockDim.y", I32)


def test_block_and_grid_dimensions_are_the_launch():
    names = {n.name for n in walk(parse(WRAPPED, "cuda").body) if isinstance(n, Var)}
    assert not any(n.startswith(("blockDim", "gridDim")) for n in names)


def test_a_launch_that_does_not_fit_the_kernel_is_refused():
    with pytest.raises(XpilerError, match=r"line 15.* in of elu must be a pointer"):
        parse(WRAPPED.replace("elu<<<grid, block>>>(dy, dx, n);", "elu<<<grid, block>>>(dy, n, dx);"), "cuda")


@pytest.mark.parametrize(("old", "new", "message"), [
    ("grid.x = blocks;", "grid.x = blocks; if (n < 9) grid.x = 1;", "changes grid under a condition"),
    ("grid.x = blocks;", "grid.x = device_blocks();", "device_blocks"),
])
def test_what_is_not_understood_of_a_launch_is_noted_and_a_size(old, new, message):
    """The kernel is ported alone, for any grid, and why is said with its line."""
    assert old in WRAPPED
    k = parse(WRAPPED.replace(old, new), "cuda")
    assert k.host is None and {p.name for p in k.sizes} == {"gridDim.x"}
    assert any(message in note and "(line 15)" in note for note in k.notes)


@pytest.mark.parametrize(("old", "new", "message"), [
    ("elu<<<grid, block>>>(dy, dx, n);", "while (n) elu<<<grid, block>>>(dy, dx, n);", "launches under a loop"),
    ("elu<<<grid, block>>>(dy, dx, n);", "if (n > 0) elu<<<grid, block>>>(dy, dx, n);", "launches under a condition"),
    ("cudaMemcpy(dx, x, bytes,", "cudaMemcpy(dx, x, bytes / 2,", "another size"),
    ("cudaMemcpy(dx, x, bytes, cudaMemcpyHostToDevice);", "cudaMemset(dx, 0, bytes / 2);", "fill of a whole buffer"),
    ("int n, int blocks", "int n, int blocks, Tensor t", "Tensor"),
])
def test_host_code_that_is_no_plain_wrapper_still_says_the_launch(old, new, message):
    """The kernel is ported alone then, and why is said."""
    assert old in WRAPPED
    k = parse(WRAPPED.replace(old, new), "cuda")
    assert k.host is None and any(message in note for note in k.notes)
    assert extents(k) == extents(parse(WRAPPED, "cuda"))


def test_a_fill_is_part_of_the_wrapper():
    k = parse(WRAPPED.replace("cudaMemcpy(dx, x, bytes, cudaMemcpyHostToDevice);", "cudaMemset(dx, 0, bytes);"), "cuda")
    assert k.host is not None and [a.fill for a in k.host.args if a.param == "in"] == [0]


MAIN = """
#include <vector>
#include "timer.h"
#define CHECK(call) { cudaError_t e = (call); if (e != cudaSuccess) { fprintf(stderr, "%s", #call); exit(1); } }
int main(int argc, char** argv) {
  int n = argc > 1 ? atoi(argv[1]) : 5000;
  if (argc > 2) n = 7;
  std::vector<float> x(n), y(x.size());
  float *dx = nullptr, *dy;
  CHECK(cudaMalloc(&dx, n * sizeof(float)));
  CHECK(cudaMalloc((void**)&dy, y.size() * sizeof(float)));
  CHECK(cudaMemcpy(dx, x.data(), n * sizeof(float), cudaMemcpyHostToDevice));
  dim3 block(128), grid((n + block.x - 1) / block.x);
  auto start = std::chrono::steady_clock::now();
  for (int run = 0; run < 20; ++run) add<<<grid, block>>>(dx, dy, n);
  std::cout << "took " << (std::chrono::steady_clock::now() - start).count() << std::endl;
  for (int i = 0; i < n; ++i) if (y[i] < 0) return 1;
}
"""


def test_a_main_as_people_write_it():
    k = parse(ADD + MAIN, "cuda")
    assert "// launch: grid((n + 128 - 1) / 128) block(128)" in get("cuda").emit(k)
    assert [p.extent for p in k.params] == [Var("n", I32), Var("n", I32), None]
    assert k.host is None and not k.notes and not k.assume and not k.sizes


def test_a_number_that_only_the_run_knows_is_a_size():
    text = ADD + "int main(int argc, char** argv) { int per; int n = atoi(argv[1]); cudaDeviceProp p; " \
        "cudaDeviceGetAttribute(&per, cudaDevAttrMultiProcessorCount, 0); int blocks = 2 * per; float* d; " \
        "cudaMalloc(&d, n * 4); add<<<blocks, 64>>>(d, d, n); }"
    k = parse(text, "cuda")
    assert [p.name for p in k.sizes] == ["per"] and k.params[0].extent == Var("n", I32)


def test_several_configurations_are_told_apart():
    text = ADD + "void twice(float* a, float* b, int n) { add<<<(n + 63) / 64, 64>>>(a, b, n); add<<<1, 32>>>(a, b, 32); }"
    k = parse(text, "cuda")
    assert extents(k)["threadIdx.x"] == Const(64, I32) and "add#2" in k.notes[0]
    assert extents(parse(text, "cuda", "add#2"))["threadIdx.x"] == Const(32, I32)
    with pytest.raises(UsageError, match="2 launches"):
        parse(text, "cuda", "add#3")


@pytest.mark.parametrize("said", ["assert(n % 256 == 0);", "if (n % 256) return;", "TORCH_CHECK(n % 256 == 0, \"n\");",
                                  "if (n % 256 != 0) { fprintf(stderr, \"bad\"); exit(1); }"])
def test_what_the_host_makes_sure_of_is_an_assumption(said):
    k = parse(WRAPPED.replace("grid.x = blocks;", said + " grid.x = blocks;"), "cuda")
    assert len(k.assume) == 1 and k.host is not None
    assert ExprText(get("cuda")).expr(k.assume[0]) == "count % 256 == 0"


def test_launch_comment_wins_where_host_code_is_not_understood():
    text = WRAPPED.replace("elu<<<", "for (;;) elu<<<")
    text = text.replace("__global__", "// launch: grid(8) block(32)\n__global__")
    assert extents(parse(text, "cuda")) == {"blockIdx.x": Const(8, I32), "threadIdx.x": Const(32, I32)}


@pytest.mark.parametrize("comment", [
    "grid(1)", "grid() block(1)", "grid(m) block(1)", "grid(0) block(1)", "grid(1,2,3,4) block(1)",
])
def test_launch_comment_that_cannot_be_read(comment):
    with pytest.raises(XpilerError, match="launch comment"):
        parse(f"// launch: {comment}\n" + ADD, "cuda")


def test_dynamic_shared_memory_without_a_launch_is_refused():
    with pytest.raises(UnsupportedError, match="dynamic shared"):
        parse("__global__ void k(float* a) { extern __shared__ float t[]; a[0] = t[0]; }", "cuda")


def test_signatures_tell_device_functions_apart():
    by_name = {s.name: s for s in parse_module(WRAPPED, "cuda").signatures}
    assert {n: s.is_device for n, s in by_name.items()} == {"act": True, "elu": True, "run": False}
    assert [(a.name, a.pointer, a.const) for a in by_name["run"].args][:2] == [("x", True, True), ("y", True, False)]


def test_a_literal_that_a_launch_passes_on_stays_symbolic() -> None:
    """What host code with fixed sizes says of the launch holds for the kernel's own parameter."""
    text = """
__global__ void fill(float* x, int n) { int i = blockIdx.x * 64 + threadIdx.x; if (i < n) x[i] = 1.0f; }
int main() {
  int count = 1000;
  int fixed = 3;
  float* d;
  cudaMalloc(&d, count * sizeof(float));
  fill<<<dim3((count + 63) / 64, fixed), 64>>>(d, count);
}
"""
    kernel = parse(text, "cuda")
    shown = get("cuda").emit(kernel)
    assert "// launch: grid((n + 63) / 64, 3) block(64)" in shown and kernel.sizes == ()


def test_a_literal_that_changes_is_only_its_value() -> None:
    text = """
__global__ void fill(float* x, int n) { int i = blockIdx.x * 64 + threadIdx.x; if (i < n) x[i] = 1.0f; }
int main() {
  int count = 1000;
  float* d;
  cudaMalloc(&d, count * sizeof(float));
  count = 128;
  fill<<<(count + 63) / 64, 64>>>(d, count);
}
"""
    assert "// launch: grid(2) block(64)" in get("cuda").emit(parse(text, "cuda"))


def test_what_only_the_launch_knows_is_called_by_its_built_in():
    """A grid of `blocks`, which the kernel is not given: its text says gridDim.x."""
    text = ADD.replace("if (i < n) a[i] += b[i];", "for (; i < n; i += blockDim.x * gridDim.x) a[i] += b[i];") + \
        "void run(float* a, float* b, int n, int blocks) { add<<<blocks, 64>>>(a, b, n); }"
    shown = get("cuda").emit(parse(text, "cuda"))
    assert "64 * gridDim.x" in shown and "// launch: grid(blocks) block(64)" in shown
    assert get("cuda").emit(parse(shown.replace("blocks", "n"), "cuda")).count("gridDim") == 0


def test_conditions_on_the_compiler_are_decided():
    text = "#ifdef __HIP_PLATFORM_AMD__\n#define W 64\n#elif defined(__CUDACC__)\n#define W 32\n#endif\n" \
        "__global__ void k(float* a) { a[threadIdx.x] = W; }"
    for platform, width in (("cuda", "32"), ("hip", "64")):
        assert f"= {width}" in get(platform).emit(parse(text, platform))


def test_an_index_of_an_assignment_does_not_change():
    text = ADD + "int main() { int n = ask(); float* h = make(); float* d; for (int i = 0; i < n; i++) h[i * n] = 1; " \
        "cudaMalloc(&d, n * 4); for (int r = 0; r < n; ++r) { h[n] = r; add<<<n / 32, 32>>>(d, d, n); } }"
    k = parse(text, "cuda")
    assert not k.sizes and k.params[0].extent == Var("n", I32)


def test_a_host_number_called_like_a_parameter_is_told_apart():
    text = ADD + "int main() { int n = ask(); float* d; cudaMalloc(&d, n * 4); add<<<n, 32>>>(d, d, 32 * n); }"
    k = parse(text, "cuda")
    assert [p.name for p in k.sizes] == ["n_host"] and k.params[0].extent == Var("n_host", I32)


def test_a_literal_that_shapes_the_block_is_the_only_value():
    text = ADD + "int main() { const int w = 96; float* d; add<<<4, w>>>(d, d, w); }"
    k = parse(text, "cuda")
    assert extents(k)["threadIdx.x"] == Const(96, I32)
    assert [ExprText(get("cuda")).expr(e) for e in k.assume] == ["n == 96"]
