// Cooperative groups: the block, and tiles of it that lie in one warp.
#pragma once

namespace cooperative_groups {
struct thread_block {
  static void sync(XRT_AT) { __syncthreads(xrt_line); }
  static unsigned thread_rank() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
  static unsigned size() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned num_threads() { return size(); }
  static dim3 group_index() { return blockIdx; }
  static dim3 thread_index() { return threadIdx; }
  static dim3 group_dim() { return blockDim; }
  static dim3 dim_threads() { return blockDim; }
};
inline thread_block this_thread_block() { return {}; }

template <unsigned N, class P = void> struct thread_block_tile {
  thread_block_tile() = default;
  template <class Q> thread_block_tile(thread_block_tile<N, Q>) {}
  static_assert(N && N <= XRT_LANES && (N & (N - 1)) == 0, "a tile is a part of a warp");
  static unsigned thread_rank() { return thread_block::thread_rank() % N; }
  static constexpr unsigned size() { return N; }
  static constexpr unsigned num_threads() { return N; }
  static unsigned meta_group_rank() { return thread_block::thread_rank() / N; }
  static unsigned meta_group_size() { return (thread_block::size() + N - 1) / N; }
  static unsigned first() { return xrt::lane() / N * N; }
  static unsigned long long mask() { return (N == 64 ? ~0ull : (1ull << N % 64) - 1) << first(); }
  static unsigned long long met(int op, unsigned long long v, int line) { return xrt::meet(op, mask(), false, v, 0, line); }
  static void sync(XRT_AT) { met(XRT_SYNC, 0, xrt_line); }
  template <class T> static T shfl(T v, int l, XRT_AT) {
    return xrt::shuffle(mask(), false, v, xrt::lane_at(l, N), xrt_line); }
  template <class T> static T shfl_up(T v, unsigned d, XRT_AT) {
    return xrt::shuffle(mask(), false, v, xrt::lane_up(d, N), xrt_line); }
  template <class T> static T shfl_down(T v, unsigned d, XRT_AT) {
    return xrt::shuffle(mask(), false, v, xrt::lane_down(d, N), xrt_line); }
  template <class T> static T shfl_xor(T v, unsigned m, XRT_AT) {
    return xrt::shuffle(mask(), false, v, xrt::lane_xor(m, N), xrt_line); }
  static XRT_MASK ballot(int p, XRT_AT) { return (XRT_MASK)(met(XRT_BALLOT, p != 0, xrt_line) >> first()); }
  static int any(int p, XRT_AT) { return met(XRT_BALLOT, p != 0, xrt_line) != 0; }
  static int all(int p, XRT_AT) { return met(XRT_BALLOT, p == 0, xrt_line) == 0; }
};
template <unsigned N, class P> thread_block_tile<N, P> tiled_partition(const P&) { return {}; }
template <class G> void sync(const G& g, XRT_AT) { g.sync(xrt_line); }
template <class G> unsigned thread_rank(const G& g) { return g.thread_rank(); }

template <class T> struct plus { T operator()(T a, T b) const { return a + b; } };
template <class T> struct less { T operator()(T a, T b) const { return b < a ? b : a; } };
template <class T> struct greater { T operator()(T a, T b) const { return b > a ? b : a; } };
template <class T> struct bit_and { T operator()(T a, T b) const { return a & b; } };
template <class T> struct bit_or { T operator()(T a, T b) const { return a | b; } };
template <class T> struct bit_xor { T operator()(T a, T b) const { return a ^ b; } };
template <class G, class T, class F> T reduce(const G& g, T v, F both, XRT_AT) {
  for (unsigned d = G::size() / 2; d; d /= 2) v = both(v, g.shfl_xor(v, d, xrt_line));
  return v; }
}  // namespace cooperative_groups
