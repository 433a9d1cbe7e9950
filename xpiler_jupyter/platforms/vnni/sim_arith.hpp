// Floating point at one width.
// Bit logic takes and gives floating point registers, so it is spelled apart.
#define BITS(n, T, E) XRT_F R(T) F(n)(R(T) x, R(T) y) { VI a = (VI)x, b = (VI)y; return (R(T))(E); }
#define FUSED(n, s, T, p, q) \
  XRT_F R(T) F(n##_##s)(R(T) x, R(T) y, R(T) z) { \
    auto a = xrt::see<T>(x), b = xrt::see<T>(y), c = xrt::see<T>(z); \
    return xrt::build<T, XRT_B>([&](int i) { return xrt::fused(p a[i], b[i], q c[i]); }); } \
  XRT_F R(T) F(mask_##n##_##s)(R(T) x, K(T) k, R(T) y, R(T) z) { return xrt::pick<T>(x, k, F(n##_##s)(x, y, z)); } \
  XRT_F R(T) F(mask3_##n##_##s)(R(T) x, R(T) y, R(T) z, K(T) k) { return xrt::pick<T>(z, k, F(n##_##s)(x, y, z)); } \
  XRT_F R(T) F(maskz_##n##_##s)(K(T) k, R(T) x, R(T) y, R(T) z) { return xrt::pick<T>(R(T){}, k, F(n##_##s)(x, y, z)); }
#define X(s, T) \
  ROW2M(add_##s, T, T, a + b) ROW2M(sub_##s, T, T, a - b) ROW2M(mul_##s, T, T, a * b) ROW2M(div_##s, T, T, a / b) \
  ROW2M(max_##s, T, T, b < a ? a : b) ROW2M(min_##s, T, T, b > a ? a : b) \
  ROW1M(sqrt_##s, T, T, PER(T, T, i, xrt::root<T>(a[i]))) \
  ROW1M(rcp14_##s, T, T, (T)1 / a) ROW1M(rsqrt14_##s, T, T, (T)1 / (V(T))F(sqrt_##s)(x)) \
  ROW1(floor_##s, T, T, PER(T, T, i, xrt::rounded<T>(a[i], 1))) ROW1(ceil_##s, T, T, PER(T, T, i, xrt::rounded<T>(a[i], 2))) \
  ROW2(scalef_##s, T, T, PER(T, T, i, xrt::scaled<T>(a[i], b[i]))) \
  BITS(and_##s, T, a & b) BITS(or_##s, T, a | b) BITS(xor_##s, T, a ^ b) BITS(andnot_##s, T, ~a & b) \
  FUSED(fmadd, s, T, +, +) FUSED(fmsub, s, T, +, -) FUSED(fnmadd, s, T, -, +) FUSED(fnmsub, s, T, -, -) \
  FUSED(fmaddsub, s, T, +, (i % 2 ? (T)1 : (T)-1) *) FUSED(fmsubadd, s, T, +, (i % 2 ? (T)-1 : (T)1) *) \
  XRT_F K(T) F(cmp_##s##_mask)(R(T) x, R(T) y, int how) { \
    auto a = xrt::see<T>(x), b = xrt::see<T>(y); \
    return xrt::gather_bits<T, XRT_B>(xrt::build<xrt::same_int<T>, XRT_B>([&](int i) { \
      return xrt::compared<T>(a[i], b[i], how) ? -1 : 0; })); } \
  XRT_F K(T) F(mask_cmp_##s##_mask)(K(T) k, R(T) x, R(T) y, int how) { return k & F(cmp_##s##_mask)(x, y, how); }
EACH_FLOAT(X)
#undef X
#undef FUSED
#undef BITS
#if XRT_B == 64
#define X(s, T) \
  XRT_F R(T) F(abs_##s)(R(T) x) { \
    return (R(T))((V(xrt::same_int<T>))x & (xrt::same_int<T>)(~0ull >> (65 - 8 * sizeof(T)))); } \
  ROW1IM(roundscale_##s, T, T, PER(T, T, i, xrt::rounded<T>(a[i], imm))) \
  XRT_F K(T) F(cmpeq_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 0); } \
  XRT_F K(T) F(cmplt_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 1); } \
  XRT_F K(T) F(cmple_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 2); } \
  XRT_F K(T) F(cmpunord_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 3); } \
  XRT_F K(T) F(cmpneq_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 4); } \
  XRT_F K(T) F(cmpnlt_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 5); } \
  XRT_F K(T) F(cmpnle_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 6); } \
  XRT_F K(T) F(cmpord_##s##_mask)(R(T) x, R(T) y) { return F(cmp_##s##_mask)(x, y, 7); }
EACH_FLOAT(X)
#undef X
#define FOLD(word, s, T, U, E, neutral) \
  XRT_F T F(reduce_##word##_##s)(R(T) x) { \
    auto v = xrt::see<U>(x); \
    return (T)xrt::folded<U>(v.v, N(U), [](U a, U b) { return (U)(E); }); } \
  XRT_F T F(mask_reduce_##word##_##s)(K(T) k, R(T) x) { return F(reduce_##word##_##s)(xrt::pick<T>((R(T))(V(U){} + (U)(neutral)), k, x)); }
#define X(s, T, U, low, high) \
  FOLD(max, s, T, U, b < a ? a : b, low) FOLD(min, s, T, U, b > a ? a : b, high)
#define Y(s, T, U) FOLD(add, s, T, U, a + b, 0) FOLD(mul, s, T, U, a * b, 1)
Y(ps, float, float) Y(pd, double, double) Y(epi32, int, uint32_t) Y(epi64, int64_t, uint64_t)
X(ps, float, float, -__builtin_inff(), __builtin_inff()) X(pd, double, double, -__builtin_inf(), __builtin_inf())
X(epi32, int, int, 0x80000000u, 0x7fffffff) X(epi64, int64_t, int64_t, 1ull << 63, ~0ull >> 1)
X(epu32, uint32_t, uint32_t, 0, ~0u) X(epu64, uint64_t, uint64_t, 0, ~0ull)
FOLD(and, epi32, int, int, a & b, -1) FOLD(and, epi64, int64_t, int64_t, a & b, -1)
FOLD(or, epi32, int, int, a | b, 0) FOLD(or, epi64, int64_t, int64_t, a | b, 0)
#undef X
#undef Y
#undef FOLD
#else
#define X(s, T) \
  ROW1I(round_##s, T, T, PER(T, T, i, xrt::rounded<T>(a[i], imm))) \
  ROW2I(cmp_##s, T, T, (xrt::spread<T, XRT_B>(F(cmp_##s##_mask)(x, y, imm)))) \
  XRT_F int F(movemask_##s)(R(T) x) { return xrt::gather_bits<T, XRT_B>(x); } \
  XRT_F R(T) F(blendv_##s)(R(T) x, R(T) y, R(T) m) { return xrt::pick<T>(x, xrt::gather_bits<T, XRT_B>(m), y); } \
  XRT_F R(T) F(blend_##s)(R(T) x, R(T) y, int imm) { return xrt::pick<T>(x, (K(T))imm, y); } \
  XRT_F R(T) F(hadd_##s)(R(T) x, R(T) y) { \
    auto a = xrt::see<T>(x), b = xrt::see<T>(y); \
    T r[N(T)]; \
    const int half = 8 / sizeof(T); \
    for (int part = 0; part < N(T); part += 2 * half) \
      for (int i = 0; i < half; i++) { \
        r[part + i] = a[part + 2 * i] + a[part + 2 * i + 1]; \
        r[part + half + i] = b[part + 2 * i] + b[part + 2 * i + 1]; } \
    return xrt::read<R(T)>(r); }
EACH_FLOAT(X)
#undef X
#endif
