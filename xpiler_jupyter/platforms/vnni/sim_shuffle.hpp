// Lanes rearranged at one width.
#define FROM1(T, x, i, at) xrt::build<T, XRT_B>([&, v = xrt::see<T>(x)](int i) { return v[at]; })
#define Q(T) (16 / (int)sizeof(T))  // lanes of 128 bits
#define X(s, T) \
  XRT_F R(T) F(unpacklo_##s)(R(T) x, R(T) y) { return xrt::interleaved<T>(x, y, 0); } \
  XRT_F R(T) F(unpackhi_##s)(R(T) x, R(T) y) { return xrt::interleaved<T>(x, y, Q(T) / 2); } \
  M2(unpacklo_##s, T, T, T) M2(unpackhi_##s, T, T, T)
EACH(X)
#undef X
XRT_F VI F(shuffle_epi32)(VI x, int imm) { return FROM1(int, x, i, (i & ~3) | (imm >> (i & 3) * 2 & 3)); }
XRT_F VS F(permute_ps)(VS x, int imm) { return (VS)F(shuffle_epi32)((VI)x, imm); }
XRT_F VS F(shuffle_ps)(VS x, VS y, int imm) {
  VS lo = F(permute_ps)(x, imm), hi = F(permute_ps)(y, imm);
  return xrt::pick<float>(lo, (K(float))0xcccc, hi);
}
XRT_F VD F(shuffle_pd)(VD x, VD y, int imm) {
  auto a = xrt::see<double>(x), b = xrt::see<double>(y);
  double r[N(double)];
  for (int i = 0; i < N(double); i += 2, imm >>= 2) r[i] = a[i + (imm & 1)], r[i + 1] = b[i + (imm >> 1 & 1)];
  return xrt::read<VD>(r);
}
XRT_F VI F(shufflelo_epi16)(VI x, int imm) { return FROM1(int16_t, x, i, i & 4 ? i : (i & ~3) + (imm >> 2 * (i & 3)) % 4); }
XRT_F VI F(shufflehi_epi16)(VI x, int imm) { return FROM1(int16_t, x, i, i & 4 ? (i & ~3) + (imm >> 2 * (i & 3)) % 4 : i); }
XRT_F VI F(shuffle_epi8)(VI x, VI y) {
  auto a = xrt::see<uint8_t>(x), b = xrt::see<uint8_t>(y);
  return xrt::build<uint8_t, XRT_B>([&](int i) { return b[i] > 127 ? 0 : a[(i & ~15) | (b[i] & 15)]; });
}
M2(shuffle_epi8, int8_t, int8_t, int8_t)
XRT_F VI F(alignr_epi8)(VI x, VI y, int imm) {
  uint8_t pair[48], out[XRT_B];
  for (int part = 0; part < XRT_B; part += 16) {
    __builtin_memset(pair, 0, 48);
    __builtin_memcpy(pair, (char*)&y + part, 16);
    __builtin_memcpy(pair + 16, (char*)&x + part, 16);
    for (int i = 0; i < 16; i++) out[part + i] = imm < 32 ? pair[imm + i] : 0;
  }
  return xrt::read<VI>(out);
}
XRT_F VI F(bsrli_epi128)(VI x, int imm) { return F(alignr_epi8)(VI{}, x, imm > 15 ? 32 : imm); }
XRT_F VI F(bslli_epi128)(VI x, int imm) { return imm ? F(alignr_epi8)(x, VI{}, imm > 15 ? 32 : 16 - imm) : x; }
#if XRT_B < 64
XRT_F VI SI(slli_si)(VI x, int imm) { return F(bslli_epi128)(x, imm); }
XRT_F VI SI(srli_si)(VI x, int imm) { return F(bsrli_epi128)(x, imm); }
#endif
XRT_F VS F(movehdup_ps)(VS x) { return F(permute_ps)(x, 0xf5); }
XRT_F VS F(moveldup_ps)(VS x) { return F(permute_ps)(x, 0xa0); }
#define X(s, T) \
  XRT_F R(T) F(permutexvar_##s)(VI idx, R(T) x) { \
    auto at = xrt::see<xrt::same_int<T>>(idx); \
    return FROM1(T, x, i, at[i] & (N(T) - 1)); } \
  XRT_F R(T) F(mask_permutexvar_##s)(R(T) s, K(T) k, VI idx, R(T) x) { return xrt::pick<T>(s, k, F(permutexvar_##s)(idx, x)); } \
  XRT_F R(T) F(maskz_permutexvar_##s)(K(T) k, VI idx, R(T) x) { return xrt::pick<T>(R(T){}, k, F(permutexvar_##s)(idx, x)); } \
  XRT_F R(T) F(permutex2var_##s)(R(T) x, VI idx, R(T) y) { \
    T both[2 * N(T)]; \
    auto at = xrt::see<xrt::same_int<T>>(idx); \
    xrt::write(both, x); \
    xrt::write(both + N(T), y); \
    return xrt::build<T, XRT_B>([&](int i) { return both[at[i] & (2 * N(T) - 1)]; }); }
EACH_FLOAT(X) X(epi16, int16_t) X(epi32, int) X(epi64, int64_t)
#undef X
#define X(s, T) XRT_F VI F(alignr_##s)(VI x, VI y, int imm) { \
    T both[2 * N(T)]; \
    xrt::write(both, y); \
    xrt::write(both + N(T), x); \
    return xrt::read<VI>(both + (imm & (N(T) - 1))); }
X(epi32, int) X(epi64, int64_t)
#undef X
// Lane 0, or the lowest bits, repeated.
#define X(n, T) \
  XRT_F R(T) F(n)(xrt::reg<T, 16> x) { \
    return (R(T))(V(xrt::same_int<T>){} + xrt::bits<xrt::same_int<T>>(x)); } \
  XRT_F R(T) F(mask_##n)(R(T) s, K(T) k, xrt::reg<T, 16> x) { return xrt::pick<T>(s, k, F(n)(x)); } \
  XRT_F R(T) F(maskz_##n)(K(T) k, xrt::reg<T, 16> x) { return xrt::pick<T>(R(T){}, k, F(n)(x)); }
X(broadcastb_epi8, int8_t) X(broadcastw_epi16, int16_t) X(broadcastd_epi32, int) X(broadcastq_epi64, int64_t)
X(broadcastss_ps, float) X(broadcastsd_pd, double)
#undef X
#if XRT_B > 16
#define X(n, T) XRT_F R(T) F(broadcast_##n)(xrt::reg<T, 16> x) { return xrt::repeated<R(T)>(x); }
X(f32x4, float) X(i32x4, int)
#undef X
#define PARTS (XRT_B / 16)
#define X(s, T) XRT_F R(T) F(shuffle_##s)(R(T) x, R(T) y, int imm) { \
    R(T) r; \
    const int wide = PARTS == 4 ? 2 : 1; \
    for (int p = 0; p < PARTS; p++) \
      __builtin_memcpy((char*)&r + 16 * p, (char*)(p < PARTS / 2 ? &x : &y) + 16 * (imm >> wide * p & (PARTS - 1)), 16); \
    return r; }
X(f32x4, float) X(i32x4, int) X(f64x2, double) X(i64x2, int64_t)
#undef X
#undef PARTS
#if XRT_B == 64
#define X(n) permutex_##n
#else
#define X(n) permute4x64_##n
#endif
XRT_F VI F(X(epi64))(VI x, int imm) { return FROM1(int64_t, x, i, (i & 4) | (imm >> 2 * (i & 3) & 3)); }
XRT_F VD F(X(pd))(VD x, int imm) { return (VD)F(X(epi64))((VI)x, imm); }
#undef X
#endif
XRT_F VD F(castps_pd)(VS x) { return (VD)x; }
XRT_F VS F(castpd_ps)(VD x) { return (VS)x; }
XRT_F VI SI(castps_si)(VS x) { return (VI)x; }
XRT_F VI SI(castpd_si)(VD x) { return (VI)x; }
XRT_F VS XRT_JOIN(SI(castsi), _ps)(VI x) { return (VS)x; }
XRT_F VD XRT_JOIN(SI(castsi), _pd)(VI x) { return (VD)x; }
#undef FROM1
#undef Q
