// What CUDA and HIP texts share: the launch, the thread's place, shared memory, lanes, atomics, vector types. The
// platform's header defines XRT_LANES, XRT_MASK (type of a lane mask) and its shared memory limits first.
#pragma once
#include "kernel.h"

// Our own linkage word: unlike `static` it may stand beside extern "C".
#ifdef __clang__
#define XRT_LOCAL __attribute__((internal_linkage))
#else
#define XRT_LOCAL
#endif
#define __global__ XRT_LOCAL
#define __device__ XRT_LOCAL
#define __host__
#define __constant__ static
#define __managed__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __maxnreg__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __attribute__((aligned(n)))

struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};
// Not exported and never pointed to: in a kernel without barriers the compiler keeps them in registers.
static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = XRT_LANES;

namespace xrt {
struct Config { dim3 grid, block; size_t shared; int line; };
inline Config config(dim3 g, dim3 b, size_t shared = 0, void* = nullptr, int line = XRT_LINE) {
  return {g, b, shared, line};
}
inline Config config_of_run() {
  Control* c = xrt_control;
  return {dim3(c->grid[0], c->grid[1], c->grid[2]), dim3(c->block[0], c->block[1], c->block[2]), c->dynamic, 0};
}

template <class B> void one_thread(void* body, const unsigned* b, const unsigned* t) {
  blockIdx = uint3{b[0], b[1], b[2]};
  threadIdx = uint3{t[0], t[1], t[2]};
  (*(B*)body)();
}

// Called with the arguments of the kernel; `Sync` says that the kernel or something it calls may wait.
template <int N> struct Shared { Range list[N + 1]; };  // the shared arrays that the kernel can reach
template <bool Sync, int N, class F> struct Launch {
  F kernel;
  Shared<N> arrays;
  Config c;
  template <class... A> void operator()(A... a) {
    Geometry g{{c.grid.x, c.grid.y, c.grid.z}, {c.block.x, c.block.y, c.block.z}, {1, 1, 1}, c.shared,
               XRT_STATIC_SHARED, XRT_SHARED, c.line};
    blockDim = c.block;
    gridDim = c.grid;
    const Range* shared = arrays.list;
    int fast = xrt_launch_begin(&g, shared, N, Sync);
    if constexpr (!Sync)
      if (fast) {
        // Everything in locals whose address nobody takes: only then are these loops vectorised.
        const unsigned gx = g.run[0], gy = g.run[1], gz = g.run[2], nx = g.block[0], ny = g.block[1], nz = g.block[2];
        for (unsigned z = 0; z < gz; z++)
          for (unsigned y = 0; y < gy; y++)
            for (unsigned x = 0; x < gx; x++) {
              blockIdx = uint3{x, y, z};
              if (N) xrt_poison(shared, N);
              for (unsigned tz = 0; tz < nz; tz++)
                for (unsigned ty = 0; ty < ny; ty++)
                  for (unsigned tx = 0; tx < nx; tx++) {
                    threadIdx = uint3{tx, ty, tz};
                    kernel(a...);
                  }
            }
        return xrt_launch_end();
      }
    auto body = [=, f = kernel] { f(a...); };
    xrt_blocks(&g, shared, N, Sync, XRT_LANES, one_thread<decltype(body)>, &body);
    xrt_launch_end();
  }
};
template <bool Sync, int N, class F> Launch<Sync, N, F> launch(F f, Shared<N> arrays, Config c) {
  return {f, arrays, c};
}

struct Place {  // other threads run while this one waits: it puts its own index back afterwards
  uint3 mine = threadIdx;
  ~Place() { threadIdx = mine; }
};
inline unsigned lane() {
  return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % XRT_LANES;
}
inline unsigned long long meet(int op, unsigned long long mask, bool maskless, unsigned long long value,
                               unsigned source, int line) {
  Place keep;
#ifdef XRT_WIDENED
  if (mask == 0xffffffffull) mask = ~0ull;
#endif
  return xrt_warp(op, mask, maskless, value, source, line);
}
template <class T> inline T shuffle(unsigned long long mask, bool maskless, T v, unsigned source, int line) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &v, sizeof v);
  bits = meet(XRT_SHUFFLE, mask, maskless, bits, source, line);
  __builtin_memcpy(&v, &bits, sizeof v);
  return v;
}
inline unsigned lane_at(int l, int width) { return (lane() & ~(unsigned)(width - 1)) + ((unsigned)l & (unsigned)(width - 1)); }
inline unsigned lane_up(unsigned d, int width) {
  unsigned l = lane(); return (l & (unsigned)(width - 1)) < d ? l : l - d; }
inline unsigned lane_down(unsigned d, int width) {
  unsigned l = lane(); return (l & (unsigned)(width - 1)) + d >= (unsigned)width ? l : l + d; }
inline unsigned lane_xor(unsigned m, int width) {
  unsigned l = lane(), t = l ^ m; return (t & ~(unsigned)(width - 1)) > (l & ~(unsigned)(width - 1)) ? l : t; }
const unsigned long long kAll = ~0ull;
inline void together(Together* mine, int line) { meet(XRT_TOGETHER, kAll, false, (unsigned long long)mine, 0, line); }
}  // namespace xrt

#define XRT_AT int xrt_line = XRT_LINE
inline void __syncthreads(XRT_AT) { xrt::Place keep; xrt_barrier(0, 0, xrt_line); }
inline int __syncthreads_count(int p, XRT_AT) { xrt::Place keep; return xrt_barrier(p, 1, xrt_line); }
inline int __syncthreads_and(int p, XRT_AT) { xrt::Place keep; return xrt_barrier(p, 2, xrt_line); }
inline int __syncthreads_or(int p, XRT_AT) { xrt::Place keep; return xrt_barrier(p, 3, xrt_line); }
inline void __syncwarp(XRT_MASK m = (XRT_MASK)xrt::kAll, XRT_AT) { xrt::meet(XRT_SYNC, m, false, 0, 0, xrt_line); }
template <class T> T __shfl_sync(XRT_MASK m, T v, int l, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(m, false, v, xrt::lane_at(l, w), xrt_line); }
template <class T> T __shfl_up_sync(XRT_MASK m, T v, unsigned d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(m, false, v, xrt::lane_up(d, w), xrt_line); }
template <class T> T __shfl_down_sync(XRT_MASK m, T v, unsigned d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(m, false, v, xrt::lane_down(d, w), xrt_line); }
template <class T> T __shfl_xor_sync(XRT_MASK m, T v, int d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(m, false, v, xrt::lane_xor((unsigned)d, w), xrt_line); }
inline XRT_MASK __ballot_sync(XRT_MASK m, int p, XRT_AT) {
  return (XRT_MASK)xrt::meet(XRT_BALLOT, m, false, p != 0, 0, xrt_line); }
inline int __any_sync(XRT_MASK m, int p, XRT_AT) {
  return xrt::meet(XRT_BALLOT, m, false, p != 0, 0, xrt_line) != 0; }
inline int __all_sync(XRT_MASK m, int p, XRT_AT) {
  return xrt::meet(XRT_BALLOT, m, false, p == 0, 0, xrt_line) == 0; }
// Without a mask the lanes that are active in the branch take part (HIP, and CUDA before its version 9).
template <class T> T __shfl(T v, int l, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(xrt::kAll, true, v, xrt::lane_at(l, w), xrt_line); }
template <class T> T __shfl_up(T v, unsigned d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(xrt::kAll, true, v, xrt::lane_up(d, w), xrt_line); }
template <class T> T __shfl_down(T v, unsigned d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(xrt::kAll, true, v, xrt::lane_down(d, w), xrt_line); }
template <class T> T __shfl_xor(T v, int d, int w = XRT_LANES, XRT_AT) {
  return xrt::shuffle(xrt::kAll, true, v, xrt::lane_xor((unsigned)d, w), xrt_line); }
inline XRT_MASK __ballot(int p, XRT_AT) {
  return (XRT_MASK)xrt::meet(XRT_BALLOT, xrt::kAll, true, p != 0, 0, xrt_line); }
inline int __any(int p, XRT_AT) { return xrt::meet(XRT_BALLOT, xrt::kAll, true, p != 0, 0, xrt_line) != 0; }
inline int __all(int p, XRT_AT) { return xrt::meet(XRT_BALLOT, xrt::kAll, true, p == 0, 0, xrt_line) == 0; }
inline XRT_MASK __activemask(XRT_AT) { return (XRT_MASK)xrt::meet(XRT_SYNC, xrt::kAll, true, 0, 0, xrt_line); }
template <class T> XRT_MASK __match_any_sync(XRT_MASK m, T v, XRT_AT) {
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &v, sizeof v);
  return (XRT_MASK)xrt::meet(XRT_MATCH, m, false, bits, 0, xrt_line); }
// The lanes' values one after the other, or by halves when all lanes are there.
#define XRT_REDUCE(name, e)                                                                                 \
  template <class T> T name(XRT_MASK m, T v, XRT_AT) {                                                      \
    unsigned long long here = xrt::meet(XRT_SYNC, m, false, 0, 0, xrt_line);                                \
    if (!(XRT_MASK)~here) {                                                                                 \
      for (int d = XRT_LANES / 2; d; d /= 2) {                                                              \
        T a = v, b = xrt::shuffle(m, false, v, xrt::lane_xor((unsigned)d, XRT_LANES), xrt_line);            \
        v = (T)(e);                                                                                         \
      }                                                                                                     \
      return v;                                                                                             \
    }                                                                                                       \
    T a = v;                                                                                                \
    for (unsigned l = 0, some = 0; l < XRT_LANES; l++)                                                      \
      if (here >> l & 1) {                                                                                  \
        T b = xrt::shuffle(m, false, v, l, xrt_line);                                                       \
        a = some++ ? (T)(e) : b;                                                                            \
      }                                                                                                     \
    return a; }
XRT_REDUCE(__reduce_add_sync, a + b)
XRT_REDUCE(__reduce_min_sync, b < a ? b : a)
XRT_REDUCE(__reduce_max_sync, b > a ? b : a)
XRT_REDUCE(__reduce_and_sync, a & b)
XRT_REDUCE(__reduce_or_sync, a | b)
XRT_REDUCE(__reduce_xor_sync, a ^ b)
#undef XRT_REDUCE
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// One thread runs at a time: a plain read and write is atomic.
namespace xrt {
template <class T> struct same { typedef T type; };
template <class T> using as = typename same<T>::type;
}
#define XRT_ATOMIC(name, e) \
  template <class T> inline T name(T* p, xrt::as<T> v) { T old = *p; *p = e; return old; } \
  template <class T> inline T name##_block(T* p, xrt::as<T> v) { return name(p, v); } \
  template <class T> inline T name##_system(T* p, xrt::as<T> v) { return name(p, v); }
XRT_ATOMIC(atomicAdd, (T)(old + v))
XRT_ATOMIC(atomicSub, (T)(old - v))
XRT_ATOMIC(atomicExch, v)
XRT_ATOMIC(atomicMin, v < old ? v : old)
XRT_ATOMIC(atomicMax, v > old ? v : old)
XRT_ATOMIC(atomicAnd, old & v)
XRT_ATOMIC(atomicOr, old | v)
XRT_ATOMIC(atomicXor, old ^ v)
XRT_ATOMIC(atomicInc, old >= v ? (T)0 : (T)(old + 1))
XRT_ATOMIC(atomicDec, old == 0 || old > v ? v : (T)(old - 1))
#undef XRT_ATOMIC
template <class T> inline T atomicCAS(T* p, xrt::as<T> c, xrt::as<T> v) { T old = *p; if (old == c) *p = v; return old; }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
  return r; }
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned s) {
  unsigned long long v = (unsigned long long)b << 32 | a; unsigned r = 0;
  for (int i = 0; i < 4; i++) r |= (unsigned)(v >> (8 * (s >> (4 * i) & 7)) & 255) << (8 * i);
  return r; }
inline int __mul24(int a, int b) { return (a << 8 >> 8) * (b << 8 >> 8); }
inline int __mulhi(int a, int b) { return (int)((long long)a * b >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; i++) c += (signed char)(a >> (8 * i)) * (signed char)(b >> (8 * i));
  return c; }
template <class T> inline T __ldg(const T* p) { return *p; }
template <class T> inline T __ldcg(const T* p) { return *p; }
template <class T> inline void __stcg(T* p, xrt::as<T> v) { *p = v; }
inline long long clock64() { return 0; }
inline long long clock() { return 0; }
#define __trap() xrt_fault(xrt::kExit, __LINE__, "__trap")

#include "gpu_math.h"
#include "gpu_types.h"
#include "groups.h"
