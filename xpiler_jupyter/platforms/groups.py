"""Cooperative groups in terms of the warp functions: a text of ours that stands behind one that uses them.

Only what lies in a block, and tiles that lie in a warp. Source: CUDA C++ Programming Guide, "Cooperative Groups". A tile's
shuffles name its own lanes; its votes are those of the warp, shifted down to its first lane. `threadRank` is a built-in of
ours (`simt.DERIVED`). Ranks and sizes are unsigned there and ints here: none is negative or large.
"""

from __future__ import annotations

PREFIX = "cooperative_"
# What stands in the text below, without its prefix, and types of which a value says the rest.
NAMES = frozenset(("thread_block", "this_thread_block", "tiled_partition", "sync", "thread_rank", "reduce", "plus", "less",
                   "greater", "bit_and", "bit_or", "bit_xor"))
TYPES = frozenset(("thread_block_tile", "thread_group"))

_TEXT = """
struct cooperative_thread_block {
  void sync() const { __syncthreads(); }
  int thread_rank() const { return threadRank; }
  int size() const { return blockDim.x * blockDim.y * blockDim.z; }
  int num_threads() const { return blockDim.x * blockDim.y * blockDim.z; }
  dim3 group_index() const { return blockIdx; }
  dim3 thread_index() const { return threadIdx; }
};
__device__ cooperative_thread_block cooperative_this_thread_block() { return cooperative_thread_block(); }
template <int N> struct cooperative_tile {
  int thread_rank() const { return threadRank % N; }
  int size() const { return N; }
  int num_threads() const { return N; }
  int meta_group_rank() const { return threadRank / N; }
  int meta_group_size() const { return blockDim.x * blockDim.y * blockDim.z / N; }
  void sync() const { __syncwarp(); }
  template <class T> T shfl(T v, int l) const { return @SHFL@; }
  template <class T> T shfl_up(T v, int d) const { return @UP@; }
  template <class T> T shfl_down(T v, int d) const { return @DOWN@; }
  template <class T> T shfl_xor(T v, int d) const { return @XOR@; }
  @WORD@ ballot(int p) const { return @BALLOT@ >> (threadRank % @LANES@ / N * N) & (@ALL@ >> (@LANES@ - N)); }
  int any(int p) const { return ballot(p) != 0; }
  int all(int p) const { return ballot(!p) == 0; }
};
template <int N, class G> __device__ cooperative_tile<N> cooperative_tiled_partition(G g) { return cooperative_tile<N>(); }
template <class G> __device__ void cooperative_sync(G g) { g.sync(); }
template <class G> __device__ int cooperative_thread_rank(G g) { return g.thread_rank(); }
template <class T> struct cooperative_plus { T operator()(T a, T b) const { return a + b; } };
template <class T> struct cooperative_less { T operator()(T a, T b) const { return b < a ? b : a; } };
template <class T> struct cooperative_greater { T operator()(T a, T b) const { return b > a ? b : a; } };
template <class T> struct cooperative_bit_and { T operator()(T a, T b) const { return a & b; } };
template <class T> struct cooperative_bit_or { T operator()(T a, T b) const { return a | b; } };
template <class T> struct cooperative_bit_xor { T operator()(T a, T b) const { return a ^ b; } };
template <class G, class T, class F> __device__ T cooperative_reduce(G g, T v, F both) {
  for (int d = g.size() / 2; d > 0; d /= 2) v = both(v, g.shfl_xor(v, d));
  return v;
}
"""


def source(shuffle: str, ballot: str, lanes: int) -> str:
    """The text for a platform.

    Args:
        shuffle: a shuffle of `v` within `N` lanes, `{kind}` for what stands behind `__shfl` and `{by}` for its operand.
        ballot: a vote of the warp on `p`.
        lanes: of a warp.
    """
    out = _TEXT
    for name, kind, by in (("SHFL", "", "l"), ("UP", "_up", "d"), ("DOWN", "_down", "d"), ("XOR", "_xor", "d")):
        out = out.replace(f"@{name}@", shuffle.format(kind=kind, by=by))
    word, suffix = ("unsigned long long", "ull") if lanes == 64 else ("unsigned", "u")
    return out.replace("@WORD@", word).replace("@BALLOT@", ballot).replace("@LANES@", str(lanes)).replace(
        "@ALL@", f"{(1 << lanes) - 1:#x}{suffix}")
