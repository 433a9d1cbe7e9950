// What AMD device code may take for granted when clang compiles it without ROCm. A compile check: the math functions
// beyond what the hardware has are short stand-ins, so the code is not one to run.
#pragma once
typedef __SIZE_TYPE__ size_t;
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t, uint;
typedef unsigned long uint64_t;
typedef _Float16 half, __half, float16_t;
typedef __bf16 hip_bfloat16, __hip_bfloat16;

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n) __attribute__((aligned(n)))
#define HIP_KERNEL_NAME(...) __VA_ARGS__
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#define M_2_SQRTPI 1.12837916709551257390
#define M_LOG2E 1.4426950408889634074
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define XRT_D static inline __device__

struct dim3 { unsigned x, y, z; };
#define XRT_AXES(name, read) \
  struct xrt_##name { \
    __declspec(property(get = get_x)) unsigned x; __declspec(property(get = get_y)) unsigned y; \
    __declspec(property(get = get_z)) unsigned z; \
    static __device__ unsigned get_x() { return read(x, 0); } \
    static __device__ unsigned get_y() { return read(y, 1); } \
    static __device__ unsigned get_z() { return read(z, 2); } \
  }; \
  static const xrt_##name name __attribute__((device)) = {};
#define XRT_TID(a, k) __builtin_amdgcn_workitem_id_##a()
#define XRT_BID(a, k) __builtin_amdgcn_workgroup_id_##a()
#define XRT_BDIM(a, k) __builtin_amdgcn_workgroup_size_##a()
#define XRT_GDIM(a, k) (__builtin_amdgcn_grid_size_##a() / __builtin_amdgcn_workgroup_size_##a())
XRT_AXES(threadIdx, XRT_TID)
XRT_AXES(blockIdx, XRT_BID)
XRT_AXES(blockDim, XRT_BDIM)
XRT_AXES(gridDim, XRT_GDIM)
#define warpSize 64

XRT_D void __syncthreads() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
XRT_D void __threadfence() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent"); }
XRT_D void __threadfence_system() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, ""); }
XRT_D void __threadfence_block() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "workgroup"); }
XRT_D unsigned __lane_id() { return __builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0)); }
template <class T> XRT_D T xrt_read_lane(T v, int lane) {
  int parts[(sizeof(T) + 3) / 4] = {};
  __builtin_memcpy(parts, &v, sizeof v);
  for (int& p : parts) p = __builtin_amdgcn_ds_bpermute(lane << 2, p);
  __builtin_memcpy(&v, parts, sizeof v);
  return v;
}
template <class T> XRT_D T __shfl(T v, int l, int w = 64) { return xrt_read_lane(v, (int)(__lane_id() & ~(w - 1)) + (l & (w - 1))); }
template <class T> XRT_D T __shfl_xor(T v, int m, int w = 64) { return xrt_read_lane(v, (int)__lane_id() ^ m); }
template <class T> XRT_D T __shfl_down(T v, unsigned d, int w = 64) {
  int l = (int)__lane_id(); return xrt_read_lane(v, (l & (w - 1)) + (int)d >= w ? l : l + (int)d); }
template <class T> XRT_D T __shfl_up(T v, unsigned d, int w = 64) {
  int l = (int)__lane_id(); return xrt_read_lane(v, (l & (w - 1)) < (int)d ? l : l - (int)d); }
template <class T> XRT_D T __shfl_sync(uint64_t, T v, int l, int w = 64) { return __shfl(v, l, w); }
template <class T> XRT_D T __shfl_xor_sync(uint64_t, T v, int m, int w = 64) { return __shfl_xor(v, m, w); }
template <class T> XRT_D T __shfl_down_sync(uint64_t, T v, unsigned d, int w = 64) { return __shfl_down(v, d, w); }
template <class T> XRT_D T __shfl_up_sync(uint64_t, T v, unsigned d, int w = 64) { return __shfl_up(v, d, w); }
XRT_D uint64_t __ballot(int p) { return __builtin_amdgcn_uicmpl((unsigned long)(p != 0), 0ul, 33); }
XRT_D uint64_t __activemask() { return __ballot(1); }
XRT_D int __any(int p) { return __ballot(p) != 0; }
XRT_D int __all(int p) { return __ballot(!p) == 0; }

template <class T> struct xrt_same { typedef T type; };
#define XRT_ATOMIC(name, op) \
  template <class T> XRT_D T name(T* p, typename xrt_same<T>::type v) { \
    return __scoped_atomic_##op(p, v, __ATOMIC_RELAXED, __MEMORY_SCOPE_DEVICE); }
XRT_ATOMIC(atomicAdd, fetch_add) XRT_ATOMIC(atomicSub, fetch_sub) XRT_ATOMIC(atomicMin, fetch_min)
XRT_ATOMIC(atomicMax, fetch_max) XRT_ATOMIC(atomicExch, exchange_n)
XRT_ATOMIC(atomicAnd, fetch_and) XRT_ATOMIC(atomicOr, fetch_or) XRT_ATOMIC(atomicXor, fetch_xor)
template <class T> XRT_D T atomicCAS(T* p, typename xrt_same<T>::type c, typename xrt_same<T>::type v) {
  __scoped_atomic_compare_exchange_n(p, &c, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED, __MEMORY_SCOPE_DEVICE);
  return c; }

#define XRT_STEP(name, e) \
  XRT_D unsigned name(unsigned* p, unsigned v) { \
    unsigned old = *p, seen; do { seen = old; old = atomicCAS(p, seen, (e)); } while (old != seen); return old; }
XRT_STEP(atomicInc, seen >= v ? 0u : seen + 1u) XRT_STEP(atomicDec, seen == 0u || seen > v ? v : seen - 1u)
#define XRT_SYSTEM(name) template <class T> XRT_D T name##_system(T* p, typename xrt_same<T>::type v) { return name(p, v); }
XRT_SYSTEM(atomicAdd) XRT_SYSTEM(atomicSub) XRT_SYSTEM(atomicMin) XRT_SYSTEM(atomicMax) XRT_SYSTEM(atomicExch)
XRT_SYSTEM(atomicAnd) XRT_SYSTEM(atomicOr) XRT_SYSTEM(atomicXor)

// Math: what the hardware has as it is, the rest from exp2 and log2.
XRT_D float xrt_exp(float x) { return __builtin_exp2f(x * 1.4426950f); }
XRT_D float xrt_log(float x) { return __builtin_log2f(x) * 0.69314718f; }
XRT_D float xrt_pow(float x, float y) { return __builtin_exp2f(y * __builtin_log2f(x)); }
XRT_D float xrt_tanh(float x) { float e = xrt_exp(2 * x); return 1 - 2 / (e + 1); }
XRT_D float xrt_erf(float x) {
  float a = __builtin_fabsf(x), t = 1 / (1 + 0.3275911f * a);
  float y = 1 - ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t * xrt_exp(-a * a);
  return __builtin_copysignf(y, x); }
XRT_D float xrt_tan(float x) { return __builtin_sinf(x) / __builtin_cosf(x); }
XRT_D float xrt_rsqrt(float x) { return 1 / __builtin_sqrtf(x); }
XRT_D float xrt_erfc(float x) { return 1 - xrt_erf(x); }
XRT_D float xrt_sinh(float x) { return 0.5f * (xrt_exp(x) - xrt_exp(-x)); }
XRT_D float xrt_cosh(float x) { return 0.5f * (xrt_exp(x) + xrt_exp(-x)); }
XRT_D float xrt_log1p(float x) { return xrt_log(1 + x); }
XRT_D float xrt_expm1(float x) { return xrt_exp(x) - 1; }
XRT_D float xrt_exp10(float x) { return __builtin_exp2f(x * 3.3219281f); }
XRT_D float xrt_log10(float x) { return __builtin_log2f(x) * 0.30103f; }
XRT_D float xrt_cbrt(float x) { return __builtin_copysignf(xrt_pow(__builtin_fabsf(x), 0.33333334f), x); }
XRT_D float xrt_atan(float x) { return x / (1 + 0.28f * x * x); }
XRT_D float xrt_fmod(float x, float y) { return x - y * __builtin_truncf(x / y); }
#define XRT_F1(name, f32, f64) \
  XRT_D float name##f(float x) { return f32(x); } \
  XRT_D double name(double x) { return f64; } \
  XRT_D float name(float x) { return f32(x); } \
  XRT_D double name(int x) { return name((double)x); }
XRT_F1(exp, xrt_exp, xrt_exp((float)x)) XRT_F1(exp2, __builtin_exp2f, __builtin_exp2f((float)x))
XRT_F1(exp10, xrt_exp10, xrt_exp10((float)x)) XRT_F1(expm1, xrt_expm1, xrt_expm1((float)x))
XRT_F1(log, xrt_log, xrt_log((float)x)) XRT_F1(log2, __builtin_log2f, __builtin_log2f((float)x))
XRT_F1(log10, xrt_log10, xrt_log10((float)x)) XRT_F1(log1p, xrt_log1p, xrt_log1p((float)x))
XRT_F1(sqrt, __builtin_sqrtf, __builtin_sqrt(x)) XRT_F1(rsqrt, xrt_rsqrt, 1 / __builtin_sqrt(x))
XRT_F1(cbrt, xrt_cbrt, xrt_cbrt((float)x)) XRT_F1(sin, __builtin_sinf, __builtin_sinf((float)x))
XRT_F1(cos, __builtin_cosf, __builtin_cosf((float)x)) XRT_F1(tan, xrt_tan, xrt_tan((float)x))
XRT_F1(atan, xrt_atan, xrt_atan((float)x)) XRT_F1(sinh, xrt_sinh, xrt_sinh((float)x))
XRT_F1(cosh, xrt_cosh, xrt_cosh((float)x)) XRT_F1(tanh, xrt_tanh, xrt_tanh((float)x))
XRT_F1(erf, xrt_erf, xrt_erf((float)x)) XRT_F1(erfc, xrt_erfc, xrt_erfc((float)x))
XRT_F1(floor, __builtin_floorf, __builtin_floor(x)) XRT_F1(ceil, __builtin_ceilf, __builtin_ceil(x))
XRT_F1(trunc, __builtin_truncf, __builtin_trunc(x)) XRT_F1(round, __builtin_roundf, __builtin_round(x))
XRT_F1(rint, __builtin_rintf, __builtin_rint(x)) XRT_F1(fabs, __builtin_fabsf, __builtin_fabs(x))
#define XRT_F2(name, f32, f64) \
  XRT_D float name##f(float x, float y) { return f32(x, y); } \
  XRT_D double name(double x, double y) { return f64; } \
  XRT_D float name(float x, float y) { return f32(x, y); } \
  XRT_D double name(double x, int y) { return name(x, (double)y); } \
  XRT_D float name(float x, int y) { return f32(x, (float)y); } \
  XRT_D double name(double x, float y) { return name(x, (double)y); } \
  XRT_D double name(float x, double y) { return name((double)x, y); }
XRT_F2(pow, xrt_pow, xrt_pow((float)x, (float)y)) XRT_F2(fmod, xrt_fmod, xrt_fmod((float)x, (float)y))
XRT_F2(fmin, __builtin_fminf, __builtin_fmin(x, y)) XRT_F2(fmax, __builtin_fmaxf, __builtin_fmax(x, y))
XRT_F2(copysign, __builtin_copysignf, __builtin_copysign(x, y))
XRT_D float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
XRT_D float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
XRT_D double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
XRT_D int abs(int x) { return x < 0 ? -x : x; }
XRT_D float abs(float x) { return __builtin_fabsf(x); }
XRT_D double abs(double x) { return __builtin_fabs(x); }
template <class A, class B> using XrtCommon = decltype(true ? A() : B());
template <class A, class B> XRT_D XrtCommon<A, B> min(A a, B b) { return b < a ? (XrtCommon<A, B>)b : (XrtCommon<A, B>)a; }
template <class A, class B> XRT_D XrtCommon<A, B> max(A a, B b) { return a < b ? (XrtCommon<A, B>)b : (XrtCommon<A, B>)a; }
template <class T> XRT_D bool isnan(T x) { return x != x; }
template <class T> XRT_D bool isinf(T x) { return x == x && x - x != 0; }
XRT_D float __expf(float x) { return xrt_exp(x); }
XRT_D float __logf(float x) { return xrt_log(x); }
XRT_D float __powf(float x, float y) { return xrt_pow(x, y); }
XRT_D float __sinf(float x) { return __builtin_sinf(x); }
XRT_D float __cosf(float x) { return __builtin_cosf(x); }
XRT_D float __fdividef(float a, float b) { return a / b; }
XRT_D float __saturatef(float x) { return __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f); }
XRT_D float __frcp_rn(float x) { return 1 / x; }
XRT_D float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
XRT_D half __float2half(float x) { return (half)x; }
XRT_D half __float2half_rn(float x) { return (half)x; }
XRT_D float __half2float(half x) { return (float)x; }
XRT_D half __hadd(half a, half b) { return a + b; }
XRT_D half __hsub(half a, half b) { return a - b; }
XRT_D half __hmul(half a, half b) { return a * b; }
XRT_D half __hdiv(half a, half b) { return a / b; }
XRT_D half __hfma(half a, half b, half c) { return __builtin_fmaf16(a, b, c); }
XRT_D half hexp(half a) { return (half)xrt_exp((float)a); }
XRT_D half hsqrt(half a) { return (half)__builtin_sqrtf((float)a); }
XRT_D int __popc(unsigned x) { return __builtin_popcount(x); }
XRT_D int __popcll(uint64_t x) { return __builtin_popcountll(x); }
XRT_D int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
XRT_D int __ffs(int x) { return __builtin_ffs(x); }
XRT_D int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
XRT_D int __ffsll(long long x) { return __builtin_ffsll(x); }
XRT_D unsigned __brev(unsigned x) { return __builtin_bitreverse32(x); }
XRT_D unsigned long long __brevll(unsigned long long x) { return __builtin_bitreverse64(x); }
XRT_D int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
XRT_D float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
XRT_D unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
XRT_D float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
XRT_D long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
XRT_D double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
XRT_D unsigned short __half_as_ushort(half x) { return __builtin_bit_cast(unsigned short, x); }
XRT_D short __half_as_short(half x) { return __builtin_bit_cast(short, x); }
XRT_D half __ushort_as_half(unsigned short x) { return __builtin_bit_cast(half, x); }
XRT_D half __short_as_half(short x) { return __builtin_bit_cast(half, x); }
XRT_D unsigned short __bfloat16_as_ushort(__hip_bfloat16 x) { return __builtin_bit_cast(unsigned short, x); }
XRT_D __hip_bfloat16 __ushort_as_bfloat16(unsigned short x) { return __builtin_bit_cast(__hip_bfloat16, x); }
template <class T> XRT_D T __ldg(const T* p) { return *p; }
#define XRT_VEC(name, T) \
  struct name##2 { T x, y; } __attribute__((aligned(2 * sizeof(T)))); struct name##3 { T x, y, z; }; \
  struct name##4 { T x, y, z, w; } __attribute__((aligned(16 < 4 * sizeof(T) ? 16 : 4 * sizeof(T)))); \
  XRT_D name##2 make_##name##2(T x, T y) { return {x, y}; } \
  XRT_D name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; } \
  XRT_D name##4 operator+(name##4 a, name##4 b) { return {(T)(a.x + b.x), (T)(a.y + b.y), (T)(a.z + b.z), (T)(a.w + b.w)}; } \
  XRT_D name##4 operator*(name##4 a, name##4 b) { return {(T)(a.x * b.x), (T)(a.y * b.y), (T)(a.z * b.z), (T)(a.w * b.w)}; }
XRT_VEC(float, float) XRT_VEC(double, double) XRT_VEC(int, int) XRT_VEC(uint, unsigned)
XRT_D half min(half a, half b) { return b < a ? b : a; }
XRT_D half max(half a, half b) { return a < b ? b : a; }
namespace std {
template <class T> __device__ constexpr const T& max(const T& a, const T& b) { return a < b ? b : a; }
template <class T> __device__ constexpr const T& min(const T& a, const T& b) { return b < a ? b : a; }
using ::exp; using ::log; using ::sqrt; using ::pow; using ::tanh; using ::fabs; using ::abs; using ::floor; using ::ceil;
using ::erf; using ::sin; using ::cos; using ::fmax; using ::fmin; using ::isnan; using ::isinf;
}
