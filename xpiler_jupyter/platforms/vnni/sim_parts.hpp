// What joins the widths: parts taken out and put in, casts, single lanes, masks, and the calls that move no lanes.
#pragma once
#define PART(w, v, out, in, A, B) \
  XRT_F B _mm##w##_extract##out(A x, int n) { return xrt::part<B>(x, n); } \
  XRT_F A _mm##w##_insert##in(A x, B y, int n) { return xrt::with_part(x, y, n); }
PART(256, 128, f128_ps, f128_ps, __m256, __m128) PART(256, 128, f128_pd, f128_pd, __m256d, __m128d)
PART(256, 128, i128_si256, i128_si256, __m256i, __m128i) PART(256, 128, f128_si256, f128_si256, __m256i, __m128i)
PART(256, 128, f32x4_ps, f32x4, __m256, __m128) PART(256, 128, i32x4_epi32, i32x4, __m256i, __m128i)
PART(512, 128, f32x4_ps, f32x4, __m512, __m128) PART(512, 128, i32x4_epi32, i32x4, __m512i, __m128i)
PART(512, 256, f64x4_pd, f64x4, __m512d, __m256d) PART(512, 256, i64x4_epi64, i64x4, __m512i, __m256i)
PART(512, 256, f32x8_ps, f32x8, __m512, __m256) PART(512, 256, i32x8_epi32, i32x8, __m512i, __m256i)
PART(512, 128, f64x2_pd, f64x2, __m512d, __m128d) PART(512, 128, i64x2_epi64, i64x2, __m512i, __m128i)
#undef PART
#define LANE(p, A, b, T, U, O) \
  XRT_F O p##extract_epi##b(A x, int n) { return (O)xrt::part<U>(x, n); } \
  XRT_F A p##insert_epi##b(A x, O y, int n) { return xrt::with_part(x, (T)y, n); }
#define LANES(p, A) LANE(p, A, 8, int8_t, uint8_t, int) LANE(p, A, 16, int16_t, uint16_t, int) \
  LANE(p, A, 32, int, int, int) LANE(p, A, 64, int64_t, int64_t, long long)
LANES(_mm_, __m128i) LANES(_mm256_, __m256i)
#undef LANE
#undef LANES
#define CAST(w, big, small, A, B) \
  XRT_F B _mm##w##_cast##big##_##small(A x) { return xrt::bits<B>(x); } \
  XRT_F A _mm##w##_cast##small##_##big(B x) { return xrt::bits<A>(x); } \
  XRT_F A _mm##w##_zext##small##_##big(B x) { return xrt::bits<A>(x); }
CAST(256, ps256, ps128, __m256, __m128) CAST(256, pd256, pd128, __m256d, __m128d) CAST(256, si256, si128, __m256i, __m128i)
CAST(512, ps512, ps128, __m512, __m128) CAST(512, pd512, pd128, __m512d, __m128d) CAST(512, si512, si128, __m512i, __m128i)
CAST(512, ps512, ps256, __m512, __m256) CAST(512, pd512, pd256, __m512d, __m256d) CAST(512, si512, si256, __m512i, __m256i)
#undef CAST
XRT_F __m256i _mm256_broadcastsi128_si256(__m128i x) { return xrt::repeated<__m256i>(x); }
XRT_F __m512d _mm512_broadcast_f64x4(__m256d x) { return xrt::repeated<__m512d>(x); }
XRT_F __m512i _mm512_broadcast_i64x4(__m256i x) { return xrt::repeated<__m512i>(x); }
XRT_F __m256 _mm256_permutevar8x32_ps(__m256 x, __m256i idx) { return _mm256_permutexvar_ps(idx, x); }
XRT_F __m256i _mm256_permutevar8x32_epi32(__m256i x, __m256i idx) { return _mm256_permutexvar_epi32(idx, x); }
XRT_F __m256i _mm256_permute2x128_si256(__m256i x, __m256i y, int imm) {
  __m128i half[4] = {xrt::part<__m128i>(x, 0), xrt::part<__m128i>(x, 1), xrt::part<__m128i>(y, 0), xrt::part<__m128i>(y, 1)};
  __m128i lo = imm & 8 ? __m128i{} : half[imm & 3], hi = imm & 128 ? __m128i{} : half[imm >> 4 & 3];
  return xrt::with_part(xrt::bits<__m256i>(lo), hi, 1);
}
XRT_F __m256 _mm256_permute2f128_ps(__m256 x, __m256 y, int imm) {
  return (__m256)_mm256_permute2x128_si256((__m256i)x, (__m256i)y, imm);
}
XRT_F __m128 _mm_movehl_ps(__m128 x, __m128 y) { return __m128{y[2], y[3], x[2], x[3]}; }
XRT_F __m128 _mm_movelh_ps(__m128 x, __m128 y) { return __m128{x[0], x[1], y[0], y[1]}; }
XRT_F __m128i _mm_bslli_si128(__m128i x, int imm) { return _mm_bslli_epi128(x, imm); }
XRT_F __m128i _mm_bsrli_si128(__m128i x, int imm) { return _mm_bsrli_epi128(x, imm); }

// Lane 0 only; the other lanes come from the first operand.
#define FIRST(n, s, t, R) XRT_F R _mm_##n##_##s(R x, R y) { R r = _mm_##n##_##t(x, y); x[0] = r[0]; return x; }
#define FIRST3(n, s, t, R) XRT_F R _mm_##n##_##s(R x, R y, R z) { R r = _mm_##n##_##t(x, y, z); x[0] = r[0]; return x; }
#define X(n) FIRST(n, ss, ps, __m128) FIRST(n, sd, pd, __m128d)
X(add) X(sub) X(mul) X(div) X(max) X(min)
#undef X
#define X(n) FIRST3(n, ss, ps, __m128) FIRST3(n, sd, pd, __m128d)
X(fmadd) X(fmsub) X(fnmadd) X(fnmsub)
#undef X
#undef FIRST
#undef FIRST3
XRT_F __m128 _mm_sqrt_ss(__m128 x) { x[0] = xrt::root<float>(x[0]); return x; }
XRT_F __m128 _mm_set_ss(float x) { return __m128{x}; }
XRT_F __m128d _mm_set_sd(double x) { return __m128d{x}; }
XRT_F __m128 _mm_load_ss(const void* p) { return __m128{xrt::read<float>(p)}; }
XRT_F __m128d _mm_load_sd(const void* p) { return __m128d{xrt::read<double>(p)}; }
XRT_F void _mm_store_ss(void* p, __m128 x) { xrt::write(p, (float)x[0]); }
XRT_F void _mm_store_sd(void* p, __m128d x) { xrt::write(p, (double)x[0]); }
XRT_F __m128 _mm_set_ps1(float x) { return _mm_set1_ps(x); }
XRT_F __m128 _mm_load_ps1(const float* p) { return _mm_set1_ps(*p); }
XRT_F __m128 _mm_load1_ps(const float* p) { return _mm_set1_ps(*p); }
XRT_F __m128 _mm_broadcast_ss(const void* p) { return _mm_set1_ps(xrt::read<float>(p)); }
XRT_F __m256 _mm256_broadcast_ss(const void* p) { return _mm256_set1_ps(xrt::read<float>(p)); }
XRT_F __m256d _mm256_broadcast_sd(const void* p) { return _mm256_set1_pd(xrt::read<double>(p)); }
XRT_F __m128i _mm_loadl_epi64(const void* p) { return __m128i{xrt::read<long long>(p)}; }
XRT_F __m128i _mm_loadu_si64(const void* p) { return __m128i{xrt::read<long long>(p)}; }
XRT_F __m128i _mm_loadu_si32(const void* p) { return __m128i{(long long)xrt::read<unsigned>(p)}; }
XRT_F void _mm_storel_epi64(void* p, __m128i x) { xrt::write(p, (long long)x[0]); }
XRT_F void _mm_storeu_si64(void* p, __m128i x) { xrt::write(p, (long long)x[0]); }
XRT_F void _mm_storeu_si32(void* p, __m128i x) { xrt::write(p, (int)x[0]); }
XRT_F long long _mm_cvtsi128_si64(__m128i x) { return x[0]; }
XRT_F __m128i _mm_cvtsi32_si128(int x) { return __m128i{(long long)(unsigned)x}; }
XRT_F __m128i _mm_cvtsi64_si128(long long x) { return __m128i{x}; }
XRT_F int _mm_cvtss_si32(__m128 x) { return xrt::integer<int>((float)x[0], false); }
XRT_F int _mm_cvttss_si32(__m128 x) { return xrt::integer<int>((float)x[0], true); }
XRT_F int _mm_cvtsd_si32(__m128d x) { return xrt::integer<int>((double)x[0], false); }
XRT_F int _mm_cvttsd_si32(__m128d x) { return xrt::integer<int>((double)x[0], true); }
XRT_F __m128 _mm_cvtsi32_ss(__m128 x, int n) { x[0] = (float)n; return x; }
XRT_F __m128d _mm_cvtsi32_sd(__m128d x, int n) { x[0] = n; return x; }
XRT_F unsigned short _cvtss_sh(float x, int) { return xrt::bits<unsigned short>((_Float16)x); }
XRT_F float _cvtsh_ss(unsigned short x) { return (float)xrt::bits<_Float16>(x); }

// Masks.
#define X(w) \
  XRT_F __mmask##w _kand_mask##w(__mmask##w a, __mmask##w b) { return a & b; } \
  XRT_F __mmask##w _kor_mask##w(__mmask##w a, __mmask##w b) { return a | b; } \
  XRT_F __mmask##w _kxor_mask##w(__mmask##w a, __mmask##w b) { return a ^ b; } \
  XRT_F __mmask##w _kandn_mask##w(__mmask##w a, __mmask##w b) { return b & (a ^ b); } \
  XRT_F __mmask##w _kxnor_mask##w(__mmask##w a, __mmask##w b) { return (__mmask##w)(a ^ ~b); } \
  XRT_F __mmask##w _knot_mask##w(__mmask##w a) { return (__mmask##w)~a; }
X(8) X(16) X(32) X(64)
#undef X
#define X(w, U) \
  XRT_F U XRT_JOIN(_cvtmask##w##_u, U##_BITS)(__mmask##w a) { return a; } \
  XRT_F __mmask##w XRT_JOIN(XRT_JOIN(_cvtu, U##_BITS), _mask##w)(U a) { return (__mmask##w)a; }
#define unsigned_BITS 32
#define __mmask64_BITS 64
X(8, unsigned) X(16, unsigned) X(32, unsigned) X(64, __mmask64)
#undef X
#undef unsigned_BITS
#undef __mmask64_BITS
XRT_F __mmask16 _mm512_kand(__mmask16 a, __mmask16 b) { return a & b; }
XRT_F __mmask16 _mm512_kor(__mmask16 a, __mmask16 b) { return a | b; }
XRT_F __mmask16 _mm512_kxor(__mmask16 a, __mmask16 b) { return a ^ b; }
XRT_F __mmask16 _mm512_kandn(__mmask16 a, __mmask16 b) { return b & (a ^ b); }
XRT_F __mmask16 _mm512_kxnor(__mmask16 a, __mmask16 b) { return (__mmask16)(a ^ ~b); }
XRT_F __mmask16 _mm512_knot(__mmask16 a) { return (__mmask16)~a; }
XRT_F __mmask16 _mm512_int2mask(int a) { return (__mmask16)a; }
XRT_F int _mm512_mask2int(__mmask16 a) { return a; }
XRT_F __mmask16 _mm512_kunpackb(__mmask16 a, __mmask16 b) { return (__mmask16)(a * 256 + b % 256); }

// Hints and bookkeeping: no lanes move.
template <class P> XRT_H void _mm_prefetch(P, int) {}
#ifndef __clang__  // clang knows these without a header
XRT_F void _mm_sfence() {}
XRT_F void _mm_mfence() {}
XRT_F void _mm_lfence() {}
XRT_F void _mm_pause() {}
#endif
XRT_F void _mm256_zeroupper() {}
XRT_F void _mm256_zeroall() {}
inline void* _mm_malloc(size_t bytes, size_t) { return malloc(bytes); }
inline void _mm_free(void* p) { free(p); }
// One thread: what `#pragma omp parallel for` says is that its iterations are independent, in any order.
inline int omp_get_thread_num() { return 0; }
inline int omp_get_num_threads() { return 1; }
inline int omp_get_max_threads() { return 1; }
inline void omp_set_num_threads(int) {}
