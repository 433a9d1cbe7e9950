// Number functions beside the common ones: pieces of products, bytes and bits, bfloat16 arithmetic, packed halves.
#pragma once

inline unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffffu) * (b & 0xffffffu); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64); }
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 32; i += 8) c += (a >> i & 255) * (b >> i & 255);
  return c; }
inline unsigned __sad(int a, int b, unsigned c) {
  return (a < b ? (unsigned)b - (unsigned)a : (unsigned)a - (unsigned)b) + c; }
inline unsigned __usad(unsigned a, unsigned b, unsigned c) { return (a < b ? b - a : a - b) + c; }
inline int __hadd(int a, int b) { return (int)(((long long)a + b) >> 1); }
inline int __rhadd(int a, int b) { return (int)(((long long)a + b + 1) >> 1); }
inline unsigned __uhadd(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a + b) >> 1); }
inline unsigned __urhadd(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a + b + 1) >> 1); }
inline unsigned __funnelshift_l(unsigned lo, unsigned hi, unsigned s) {
  return (unsigned)(((unsigned long long)hi << 32 | lo) << (s & 31) >> 32); }
inline unsigned __funnelshift_r(unsigned lo, unsigned hi, unsigned s) {
  return (unsigned)(((unsigned long long)hi << 32 | lo) >> (s & 31)); }

inline float scalbnf(float x, int n) { return ldexpf(x, n); }
inline float __tanhf(float x) { return tanhf(x); }
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
inline double sinpi(double x) { return sin(M_PI * x); }
inline double cospi(double x) { return cos(M_PI * x); }
inline float rnorm3df(float a, float b, float c) { return 1.0f / norm3df(a, b, c); }
inline float norm4df(float a, float b, float c, float d) { return sqrtf(a * a + b * b + c * c + d * d); }
inline float rhypotf(float a, float b) { return 1.0f / hypotf(a, b); }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }
inline int __double2int_rz(double x) { return (int)x; }
inline int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return (int)__double_as_longlong(x); }
inline double __hiloint2double(int hi, int lo) {
  return __longlong_as_double((long long)((unsigned long long)(unsigned)hi << 32 | (unsigned)lo)); }
inline unsigned __float2uint_rd(float x) { return (unsigned)floorf(x); }
inline unsigned __float2uint_ru(float x) { return (unsigned)ceilf(x); }
inline double __int2double_rn(int x) { return (double)x; }
inline float __ll2float_rn(long long x) { return (float)x; }
#define __builtin_assume(x) ((void)0)

// Loads and stores with a hint for the caches.
template <class T> inline T __ldca(const T* p) { return *p; }
template <class T> inline T __ldcs(const T* p) { return *p; }
template <class T> inline T __ldcv(const T* p) { return *p; }
template <class T> inline T __ldlu(const T* p) { return *p; }
template <class T> inline void __stcs(T* p, xrt::as<T> v) { *p = v; }
template <class T> inline void __stwb(T* p, xrt::as<T> v) { *p = v; }
template <class T> inline void __stwt(T* p, xrt::as<T> v) { *p = v; }

inline short __half_as_short(half x) { return (short)__half_as_ushort(x); }
inline half __short_as_half(short x) { return __ushort_as_half((unsigned short)x); }
inline bool __hisinf(half x) { return fabsf((float)x) == INFINITY; }
inline half hlog10(half x) { return (half)log10f((float)x); }
inline half2 __lows2half2(half2 a, half2 b) { return {a.x, b.x}; }
inline half2 __highs2half2(half2 a, half2 b) { return {a.y, b.y}; }
inline half2 __low2half2(half2 a) { return {a.x, a.x}; }
inline half2 __high2half2(half2 a) { return {a.y, a.y}; }
inline half2 __lowhigh2highlow(half2 a) { return {a.y, a.x}; }
inline half2 __hneg2(half2 a) { return {-a.x, -a.y}; }
inline half2 __habs2(half2 a) { return {__habs(a.x), __habs(a.y)}; }
inline half2 operator/(half2 a, half2 b) { return __h2div(a, b); }
inline half2& operator+=(half2& a, half2 b) { return a = a + b; }
inline half2& operator*=(half2& a, half2 b) { return a = a * b; }
#define XRT_H2(h2, h) inline half2 h2(half2 a) { return {h(a.x), h(a.y)}; }
XRT_H2(h2exp, hexp) XRT_H2(h2exp2, hexp2) XRT_H2(h2log, hlog) XRT_H2(h2log2, hlog2) XRT_H2(h2sqrt, hsqrt)
XRT_H2(h2rsqrt, hrsqrt) XRT_H2(h2rcp, hrcp) XRT_H2(h2sin, hsin) XRT_H2(h2cos, hcos) XRT_H2(h2floor, hfloor)
XRT_H2(h2ceil, hceil) XRT_H2(h2rint, hrint) XRT_H2(h2trunc, htrunc)
#undef XRT_H2

#ifdef __clang__
#define XRT_B2(name, e) inline __bf16 name(__bf16 a, __bf16 b) { return (__bf16)(e); }
XRT_B2(__hadd, (float)a + (float)b) XRT_B2(__hsub, (float)a - (float)b) XRT_B2(__hmul, (float)a * (float)b)
XRT_B2(__hdiv, (float)a / (float)b) XRT_B2(__hmax, fmaxf((float)a, (float)b)) XRT_B2(__hmin, fminf((float)a, (float)b))
#undef XRT_B2
#define XRT_BC(name, op) inline bool name(__bf16 a, __bf16 b) { return (float)a op (float)b; }
XRT_BC(__heq, ==) XRT_BC(__hne, !=) XRT_BC(__hlt, <) XRT_BC(__hle, <=) XRT_BC(__hgt, >) XRT_BC(__hge, >=)
#undef XRT_BC
inline __bf16 __hfma(__bf16 a, __bf16 b, __bf16 c) { return (__bf16)fma((double)(float)a, (double)(float)b, (double)(float)c); }
inline __bf16 __hneg(__bf16 a) { return (__bf16)-(float)a; }
inline __bf16 __habs(__bf16 a) { return (__bf16)fabsf((float)a); }
inline unsigned short __bfloat16_as_ushort(__bf16 x) { unsigned short r; __builtin_memcpy(&r, &x, 2); return r; }
inline __bf16 __ushort_as_bfloat16(unsigned short x) { __bf16 r; __builtin_memcpy(&r, &x, 2); return r; }
struct __attribute__((aligned(4))) __nv_bfloat162 {
  __bf16 x, y;
  __nv_bfloat162() = default;
  __nv_bfloat162(__bf16 a, __bf16 b) : x(a), y(b) {}
};
typedef __nv_bfloat162 nv_bfloat162, __hip_bfloat162;
inline __nv_bfloat162 make_bfloat162(__bf16 a, __bf16 b) { return {a, b}; }
inline __nv_bfloat162 __halves2bfloat162(__bf16 a, __bf16 b) { return {a, b}; }
inline __nv_bfloat162 __bfloat162bfloat162(__bf16 a) { return {a, a}; }
inline __nv_bfloat162 __float2bfloat162_rn(float a) { return {(__bf16)a, (__bf16)a}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {(__bf16)a, (__bf16)b}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 a) { return {(__bf16)a.x, (__bf16)a.y}; }
inline float2 __bfloat1622float2(__nv_bfloat162 a) { return {(float)a.x, (float)a.y}; }
inline __bf16 __low2bfloat16(__nv_bfloat162 a) { return a.x; }
inline __bf16 __high2bfloat16(__nv_bfloat162 a) { return a.y; }
inline float __low2float(__nv_bfloat162 a) { return (float)a.x; }
inline float __high2float(__nv_bfloat162 a) { return (float)a.y; }
#define XRT_B22(name, one) \
  inline __nv_bfloat162 name(__nv_bfloat162 a, __nv_bfloat162 b) { return {one(a.x, b.x), one(a.y, b.y)}; }
XRT_B22(__hadd2, __hadd) XRT_B22(__hsub2, __hsub) XRT_B22(__hmul2, __hmul) XRT_B22(__h2div, __hdiv)
XRT_B22(__hmax2, __hmax) XRT_B22(__hmin2, __hmin)
#undef XRT_B22
inline __nv_bfloat162 __hfma2(__nv_bfloat162 a, __nv_bfloat162 b, __nv_bfloat162 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; }
#endif
