// AVX-512 on any host: the intrinsics as plain code on vector extensions, without a system header. One switch:
// XRT_NATIVE (set when the compiler's flags allow AVX-512 F, BW, VL and VNNI) turns the dot products into the processor's
// instructions; all else is the same code, which those flags turn into the wide instructions themselves. Either way the
// results are the same bits. Aligned loads and stores take any address.
#pragma once
#include "kernel.h"
#ifndef XRT_NATIVE
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define XRT_NATIVE 1
#else
#define XRT_NATIVE 0
#endif
#endif

#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpsabi"
#endif
typedef float __m128 __attribute__((vector_size(16), may_alias));
typedef float __m256 __attribute__((vector_size(32), may_alias));
typedef float __m512 __attribute__((vector_size(64), may_alias));
typedef double __m128d __attribute__((vector_size(16), may_alias));
typedef double __m256d __attribute__((vector_size(32), may_alias));
typedef double __m512d __attribute__((vector_size(64), may_alias));
typedef long long __m128i __attribute__((vector_size(16), may_alias));
typedef long long __m256i __attribute__((vector_size(32), may_alias));
typedef long long __m512i __attribute__((vector_size(64), may_alias));
typedef uint8_t __mmask8;
typedef uint16_t __mmask16;
typedef uint32_t __mmask32;
typedef unsigned long long __mmask64;
typedef int _MM_CMPINT_ENUM, _MM_PERM_ENUM;

#define _MM_SHUFFLE(d, c, b, a) ((d) << 6 | (c) << 4 | (b) << 2 | (a))
enum { _MM_HINT_T0 = 3, _MM_HINT_T1 = 2, _MM_HINT_T2 = 1, _MM_HINT_NTA = 0 };
enum { _MM_FROUND_TO_NEAREST_INT = 0, _MM_FROUND_TO_NEG_INF = 1, _MM_FROUND_TO_POS_INF = 2, _MM_FROUND_TO_ZERO = 3,
       _MM_FROUND_CUR_DIRECTION = 4, _MM_FROUND_RAISE_EXC = 0, _MM_FROUND_NO_EXC = 8, _MM_FROUND_NINT = 0 };
enum { _CMP_EQ_OQ = 0, _CMP_LT_OS = 1, _CMP_LE_OS = 2, _CMP_UNORD_Q = 3, _CMP_NEQ_UQ = 4, _CMP_NLT_US = 5, _CMP_NLE_US = 6,
       _CMP_ORD_Q = 7, _CMP_EQ_UQ = 8, _CMP_NGE_US = 9, _CMP_NGT_US = 10, _CMP_FALSE_OQ = 11, _CMP_NEQ_OQ = 12,
       _CMP_GE_OS = 13, _CMP_GT_OS = 14, _CMP_TRUE_UQ = 15, _CMP_EQ_OS = 16, _CMP_LT_OQ = 17, _CMP_LE_OQ = 18,
       _CMP_UNORD_S = 19, _CMP_NEQ_US = 20, _CMP_NLT_UQ = 21, _CMP_NLE_UQ = 22, _CMP_ORD_S = 23, _CMP_EQ_US = 24,
       _CMP_NGE_UQ = 25, _CMP_NGT_UQ = 26, _CMP_FALSE_OS = 27, _CMP_NEQ_OS = 28, _CMP_GE_OQ = 29, _CMP_GT_OQ = 30,
       _CMP_TRUE_US = 31 };
enum { _MM_CMPINT_EQ = 0, _MM_CMPINT_LT = 1, _MM_CMPINT_LE = 2, _MM_CMPINT_FALSE = 3, _MM_CMPINT_NE = 4,
       _MM_CMPINT_NLT = 5, _MM_CMPINT_NLE = 6, _MM_CMPINT_TRUE = 7 };

#ifndef XRT_H  // how a call is made; what is compiled without the optimiser is smaller without inlining
#define XRT_H static inline __attribute__((always_inline))
#endif
#define XRT_F template <int = 0> XRT_H  // a template costs little where a text does not call it
#define XRT_JOIN_(a, b) a##b
#define XRT_JOIN(a, b) XRT_JOIN_(a, b)
#include "sim_lanes.hpp"

// The same intrinsics at three widths.
#define XRT_P _mm_
#define XRT_B 16
#include "sim_width.hpp"
#define XRT_P _mm256_
#define XRT_B 32
#include "sim_width.hpp"
#define XRT_P _mm512_
#define XRT_B 64
#include "sim_width.hpp"
#include "sim_parts.hpp"
