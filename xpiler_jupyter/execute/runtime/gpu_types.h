// Vector structs, and half and bfloat16 as the compiler's own types, which round after every operation.
#pragma once

#define XRT_VEC(name, T, a1, a2, a4)                                                                      \
  struct __attribute__((aligned(a1))) name##1 { T x; };                                                   \
  struct __attribute__((aligned(a2))) name##2 { T x, y; };                                                \
  struct name##3 { T x, y, z; };                                                                          \
  struct __attribute__((aligned(a4))) name##4 { T x, y, z, w; };                                          \
  inline name##1 make_##name##1(T x) { return {x}; }                                                      \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                              \
  inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                                      \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
XRT_VEC(char, signed char, 1, 2, 4)
XRT_VEC(uchar, unsigned char, 1, 2, 4)
XRT_VEC(short, short, 2, 4, 8)
XRT_VEC(ushort, unsigned short, 2, 4, 8)
XRT_VEC(int, int, 4, 8, 16)
XRT_VEC(long, long, 8, 16, 16)
XRT_VEC(ulong, unsigned long, 8, 16, 16)
XRT_VEC(longlong, long long, 8, 16, 16)
XRT_VEC(ulonglong, unsigned long long, 8, 16, 16)
XRT_VEC(float, float, 4, 8, 16)
XRT_VEC(double, double, 8, 16, 16)
struct uint1 { unsigned x; };
struct __attribute__((aligned(8))) uint2 { unsigned x, y; };
struct __attribute__((aligned(16))) uint4 { unsigned x, y, z, w; };
inline uint1 make_uint1(unsigned x) { return {x}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
#undef XRT_VEC

typedef _Float16 half, __half;
struct __attribute__((aligned(4))) half2 {
  half x, y;
  half2() = default;
  half2(half a, half b) : x(a), y(b) {}
};
typedef half2 __half2;
inline half __float2half(float x) { return (half)x; }
inline half __float2half_rn(float x) { return (half)x; }
inline half __double2half(double x) { return (half)x; }
inline half __int2half_rn(int x) { return (half)x; }
inline half __uint2half_rn(unsigned x) { return (half)x; }
inline float __half2float(half x) { return (float)x; }
inline int __half2int_rn(half x) { return (int)rintf((float)x); }
inline int __half2int_rz(half x) { return (int)x; }
inline unsigned short __half_as_ushort(half x) { unsigned short r; __builtin_memcpy(&r, &x, 2); return r; }
inline half __ushort_as_half(unsigned short x) { half r; __builtin_memcpy(&r, &x, 2); return r; }
inline half __hadd(half a, half b) { return a + b; }
inline half __hsub(half a, half b) { return a - b; }
inline half __hmul(half a, half b) { return a * b; }
inline half __hdiv(half a, half b) { return a / b; }
inline half __hneg(half a) { return -a; }
inline half __habs(half a) { return (half)fabsf((float)a); }
inline half __hfma(half a, half b, half c) { return (half)fma((double)a, (double)b, (double)c); }
inline half __hmin(half a, half b) { return (half)fminf((float)a, (float)b); }
inline half __hmax(half a, half b) { return (half)fmaxf((float)a, (float)b); }
inline bool __heq(half a, half b) { return a == b; }
inline bool __hne(half a, half b) { return a != b; }
inline bool __hlt(half a, half b) { return a < b; }
inline bool __hle(half a, half b) { return a <= b; }
inline bool __hgt(half a, half b) { return a > b; }
inline bool __hge(half a, half b) { return a >= b; }
inline bool __hisnan(half a) { return a != a; }
#define XRT_H1(h, f) inline half h(half a) { return (half)f((float)a); }
XRT_H1(hexp, expf) XRT_H1(hexp2, exp2f) XRT_H1(hlog, logf) XRT_H1(hlog2, log2f) XRT_H1(hsqrt, sqrtf)
XRT_H1(hrsqrt, rsqrtf) XRT_H1(hsin, sinf) XRT_H1(hcos, cosf) XRT_H1(hfloor, floorf) XRT_H1(hceil, ceilf)
XRT_H1(hrint, rintf) XRT_H1(htrunc, truncf) XRT_H1(htanh, tanhf)
#undef XRT_H1
inline half hrcp(half a) { return (half)(1.0f / (float)a); }
inline half2 make_half2(half a, half b) { return {a, b}; }
inline half2 __halves2half2(half a, half b) { return {a, b}; }
inline half2 __half2half2(half a) { return {a, a}; }
inline half2 __float2half2_rn(float a) { return {(half)a, (half)a}; }
inline half2 __floats2half2_rn(float a, float b) { return {(half)a, (half)b}; }
inline half2 __float22half2_rn(float2 a) { return {(half)a.x, (half)a.y}; }
inline float2 __half22float2(half2 a) { return {(float)a.x, (float)a.y}; }
inline half __low2half(half2 a) { return a.x; }
inline half __high2half(half2 a) { return a.y; }
inline float __low2float(half2 a) { return (float)a.x; }
inline float __high2float(half2 a) { return (float)a.y; }
inline half2 __hadd2(half2 a, half2 b) { return {a.x + b.x, a.y + b.y}; }
inline half2 __hsub2(half2 a, half2 b) { return {a.x - b.x, a.y - b.y}; }
inline half2 __hmul2(half2 a, half2 b) { return {a.x * b.x, a.y * b.y}; }
inline half2 __h2div(half2 a, half2 b) { return {a.x / b.x, a.y / b.y}; }
inline half2 __hfma2(half2 a, half2 b, half2 c) { return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; }
inline half2 __hmax2(half2 a, half2 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
inline half2 __hmin2(half2 a, half2 b) { return {__hmin(a.x, b.x), __hmin(a.y, b.y)}; }
inline half2 operator+(half2 a, half2 b) { return __hadd2(a, b); }
inline half2 operator-(half2 a, half2 b) { return __hsub2(a, b); }
inline half2 operator*(half2 a, half2 b) { return __hmul2(a, b); }
inline half min(half a, half b) { return __hmin(a, b); }
inline half max(half a, half b) { return __hmax(a, b); }

#ifdef __clang__
typedef __bf16 __nv_bfloat16, nv_bfloat16, hip_bfloat16, __hip_bfloat16;
inline __bf16 __float2bfloat16(float x) { return (__bf16)x; }
inline __bf16 __float2bfloat16_rn(float x) { return (__bf16)x; }
inline float __bfloat162float(__bf16 x) { return (float)x; }
#endif

#include "gpu_numbers.h"
