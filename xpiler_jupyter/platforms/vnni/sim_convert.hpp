// Conversions at one width. S(T, U): bytes of as many lanes T as a register has lanes U; a register has 16 at least.
#define S(T, U) (XRT_B * (int)sizeof(T) / (int)sizeof(U))
#define AT_LEAST(n) ((n) < 16 ? 16 : (n))
#define SMALL(T, U) xrt::reg<T, AT_LEAST(S(T, U))>
#define TURNED(T, U, x) __builtin_convertvector((xrt::bits<xrt::vec<T, S(T, U)>>(x)), V(U))
#define WIDEN(n, T, U) \
  XRT_F R(U) F(n)(SMALL(T, U) x) { return (R(U))TURNED(T, U, x); } \
  XRT_F R(U) F(mask_##n)(R(U) s, K(U) k, SMALL(T, U) x) { return xrt::pick<U>(s, k, F(n)(x)); } \
  XRT_F R(U) F(maskz_##n)(K(U) k, SMALL(T, U) x) { return xrt::pick<U>(R(U){}, k, F(n)(x)); }
#define X(a, b, T, TU, U) WIDEN(cvtepi##a##_epi##b, T, U) WIDEN(cvtepu##a##_epi##b, TU, U)
X(8, 16, int8_t, uint8_t, int16_t) X(8, 32, int8_t, uint8_t, int32_t) X(8, 64, int8_t, uint8_t, int64_t)
X(16, 32, int16_t, uint16_t, int32_t) X(16, 64, int16_t, uint16_t, int64_t) X(32, 64, int32_t, uint32_t, int64_t)
#undef X
WIDEN(cvtps_pd, float, double)
WIDEN(cvtepi32_pd, int, double)
WIDEN(cvtepi32_ps, int, float)
WIDEN(cvtepu32_ps, uint32_t, float)
WIDEN(cvtepu32_pd, uint32_t, double)
#undef WIDEN
// From lanes T to narrower lanes U; what is left of the register is zero.
#define NARROW(n, T, U, E) \
  XRT_F SMALL(U, T) F(n)(R(T) x) { \
    V(T) a = (V(T))x; \
    return xrt::bits<SMALL(U, T)>(__builtin_convertvector(E, xrt::vec<U, S(U, T)>)); } \
  XRT_F void F(mask_##n##_to)(void* p, K(T) k, R(T) x) { xrt::write_some<U>(p, k, xrt::bits<xrt::vec<U, S(U, T)>>(F(n)(x))); }
#define ENDS(T, low, high) (a < (T)(low) ? V(T){} + (T)(low) : a > (T)(high) ? V(T){} + (T)(high) : a)
#define X(w, v, T, TU, U, UU, most) \
  NARROW(cvtepi##w##_epi##v, T, U, a) NARROW(cvtsepi##w##_epi##v, T, U, ENDS(T, -(most) - 1, most)) \
  NARROW(cvtusepi##w##_epi##v, TU, UU, ENDS(TU, 0, 2ull * (most) + 1))
X(16, 8, int16_t, uint16_t, int8_t, uint8_t, 127) X(32, 8, int32_t, uint32_t, int8_t, uint8_t, 127)
X(64, 8, int64_t, uint64_t, int8_t, uint8_t, 127) X(32, 16, int32_t, uint32_t, int16_t, uint16_t, 32767)
X(64, 16, int64_t, uint64_t, int16_t, uint16_t, 32767) X(64, 32, int64_t, uint64_t, int32_t, uint32_t, 2147483647ll)
#undef X
#undef ENDS
NARROW(cvtpd_ps, double, float, a)
#undef NARROW
XRT_F VI F(packs_epi16)(VI x, VI y) { return xrt::packed<int16_t, int8_t>(x, y); }
XRT_F VI F(packs_epi32)(VI x, VI y) { return xrt::packed<int32_t, int16_t>(x, y); }
XRT_F VI F(packus_epi16)(VI x, VI y) { return xrt::packed<int16_t, uint8_t>(x, y); }
XRT_F VI F(packus_epi32)(VI x, VI y) { return xrt::packed<int32_t, uint16_t>(x, y); }
#define INTEGER(n, s, U, cut) \
  XRT_F VI F(n##ps_##s)(VS x) { \
    auto a = xrt::see<float>(x); \
    return xrt::build<U, XRT_B>([&](int i) { return xrt::integer<U>(a[i], cut); }); } \
  M1(n##ps_##s, float, U) \
  XRT_F xrt::reg<U, AT_LEAST(XRT_B / 2)> F(n##pd_##s)(VD x) { \
    auto a = xrt::see<double>(x); \
    return xrt::build<U, AT_LEAST(XRT_B / 2)>([&](int i) { return i < N(double) ? xrt::integer<U>(a[i % N(double)], cut) : 0; }); }
INTEGER(cvt, epi32, int, false) INTEGER(cvtt, epi32, int, true)
INTEGER(cvt, epu32, uint32_t, false) INTEGER(cvtt, epu32, uint32_t, true)
#undef INTEGER
#define HALF xrt::reg<int, AT_LEAST(XRT_B / 2)>
XRT_F VS F(cvtph_ps)(HALF x) {
  _Float16 h[8 + N(float)];
  xrt::write(h, x);
  return xrt::build<float, XRT_B>([&](int i) { return (float)h[i]; });
}
XRT_F HALF F(cvtps_ph)(VS x, int) {
  auto a = xrt::see<float>(x);
  _Float16 h[AT_LEAST(XRT_B / 2) / 2] = {};
  for (int i = 0; i < N(float); i++) h[i] = (_Float16)a[i];
  return xrt::read<HALF>(h);
}
#undef HALF
XRT_F float F(cvtss_f32)(VS x) { return x[0]; }
XRT_F double F(cvtsd_f64)(VD x) { return x[0]; }
XRT_F int XRT_JOIN(SI(cvtsi), _si32)(VI x) { return (int)x[0]; }
#undef S
#undef AT_LEAST
#undef SMALL
#undef TURNED
