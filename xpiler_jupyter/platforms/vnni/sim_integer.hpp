// Integers at one width. Sums and products are computed unsigned, where they wrap by definition.
#define X(w, I, U) \
  ROW2M(add_epi##w, U, I, a + b) ROW2M(sub_epi##w, U, I, a - b) \
  ROW1M(abs_epi##w, I, I, ((V(U))a ^ (V(U))(a < 0)) - (V(U))(a < 0)) \
  ROW2M(max_epi##w, I, I, b < a ? a : b) ROW2M(min_epi##w, I, I, b < a ? b : a) \
  ROW2M(max_epu##w, U, U, b < a ? a : b) ROW2M(min_epu##w, U, U, b < a ? b : a) \
  COMPARE(epi##w, I) COMPARE(epu##w, U) \
  XRT_F K(I) F(test_epi##w##_mask)(VI x, VI y) { return xrt::gather_bits<I, XRT_B>((V(I))(x & y) != 0); } \
  XRT_F K(I) F(movepi##w##_mask)(VI x) { return xrt::gather_bits<I, XRT_B>(x); } \
  XRT_F VI F(movm_epi##w)(K(I) k) { return (VI)xrt::spread<I, XRT_B>(k); }
#define COMPARE1(word, op, s, T) \
  XRT_F K(T) F(cmp##word##_##s##_mask)(VI x, VI y) { return xrt::gather_bits<T, XRT_B>((V(T))x op (V(T))y); } \
  XRT_F K(T) F(mask_cmp##word##_##s##_mask)(K(T) k, VI x, VI y) { return k & F(cmp##word##_##s##_mask)(x, y); }
#define COMPARE(s, T) \
  COMPARE1(eq, ==, s, T) COMPARE1(neq, !=, s, T) COMPARE1(lt, <, s, T) COMPARE1(le, <=, s, T) COMPARE1(gt, >, s, T) \
  COMPARE1(ge, >=, s, T) \
  XRT_F K(T) F(cmp_##s##_mask)(VI x, VI y, int how) { \
    V(T) a = (V(T))x, b = (V(T))y; \
    K(T) eq = xrt::gather_bits<T, XRT_B>(a == b), lt = xrt::gather_bits<T, XRT_B>(a < b); \
    K(T) r = (how & 3) == 0 ? eq : (how & 3) == 1 ? lt : (how & 3) == 2 ? eq | lt : 0; \
    return how & 4 ? (K(T))(~r & (~0ull >> (64 - N(T)))) : r; }
EACH_INT(X)
#undef X
#undef COMPARE
#undef COMPARE1
// Saturating sums: unsigned ones clip where they wrapped, signed ones where both signs differ from the sum's.
#define X(w, I, U) \
  XRT_F VI F(adds_epu##w)(VI x, VI y) { V(U) a = (V(U))x, s = a + (V(U))y; return (VI)(s | (V(U))(s < a)); } \
  XRT_F VI F(subs_epu##w)(VI x, VI y) { V(U) a = (V(U))x, c = (V(U))y; return (VI)((a - c) & (V(U))(a > c)); } \
  XRT_F VI F(adds_epi##w)(VI x, VI y) { \
    V(U) a = (V(U))x, c = (V(U))y, s = a + c; \
    V(I) out = (V(I))((a ^ s) & (c ^ s)), end = (V(I))a < 0 ? V(I){} + (I)((U)1 << (w - 1)) : V(I){} + (I)(((U)1 << (w - 1)) - 1); \
    return (VI)(out < 0 ? end : (V(I))s); } \
  XRT_F VI F(subs_epi##w)(VI x, VI y) { \
    V(U) a = (V(U))x, c = (V(U))y, s = a - c; \
    V(I) end = (V(I))a < 0 ? V(I){} + (I)((U)1 << (w - 1)) : V(I){} + (I)(((U)1 << (w - 1)) - 1); \
    return (VI)((V(I))((a ^ c) & (a ^ s)) < 0 ? end : (V(I))s); } \
  M2(adds_epu##w, U, U, U) M2(subs_epu##w, U, U, U) M2(adds_epi##w, I, I, I) M2(subs_epi##w, I, I, I) \
  ROW2M(avg_epu##w, U, U, (a | b) - ((a ^ b) >> 1))
X(8, int8_t, uint8_t) X(16, int16_t, uint16_t)
#undef X
// Products by parts of 32-bit lanes: low halves shifted up and back, high halves shifted down.
#define LO(v, b) ((V(int))((V(uint32_t))(v) << (b)) >> (b))
#define HI(v) ((V(int))(v) >> 16)
#define JOIN(lo, hi) (((V(uint32_t))(lo) & 0xffffu) | (V(uint32_t))(hi) << 16)
ROW2M(mullo_epi16, uint16_t, uint16_t, a * b)
ROW2M(mullo_epi32, uint32_t, uint32_t, a * b)
ROW2M(mullo_epi64, uint64_t, uint64_t, a * b)
ROW2M(mulhi_epi16, int, int16_t, JOIN(LO(a, 16) * LO(b, 16) >> 16, HI(a) * HI(b) >> 16))
ROW2M(mulhi_epu16, uint32_t, uint16_t, JOIN((a & 0xffffu) * (b & 0xffffu) >> 16, (a >> 16) * (b >> 16) >> 16))
ROW2M(mulhrs_epi16, int, int16_t, JOIN(((LO(a, 16) * LO(b, 16) >> 14) + 1) >> 1, ((HI(a) * HI(b) >> 14) + 1) >> 1))
ROW2M(mul_epi32, uint64_t, int64_t, ((V(int64_t))(a << 32) >> 32) * ((V(int64_t))(b << 32) >> 32))
ROW2M(mul_epu32, uint64_t, uint64_t, (a & 0xffffffffull) * (b & 0xffffffffull))
ROW2M(madd_epi16, int, int, (V(uint32_t))(LO(a, 16) * LO(b, 16)) + (V(uint32_t))(HI(a) * HI(b)))
XRT_F VI F(maddubs_epi16)(VI x, VI y) {
  V(uint16_t) a = (V(uint16_t))x, b = (V(uint16_t))y;
  V(uint16_t) p = (a & 255) * (V(uint16_t))((V(int16_t))(b << 8) >> 8), q = (a >> 8) * (V(uint16_t))((V(int16_t))b >> 8);
  return F(adds_epi16)((VI)p, (VI)q);
}
M2(maddubs_epi16, uint8_t, int8_t, int16_t)
XRT_F VI F(sad_epu8)(VI x, VI y) {
  V(uint8_t) a = (V(uint8_t))x, b = (V(uint8_t))y;
  V(uint64_t) d = (V(uint64_t))(a > b ? a - b : b - a), s{};
  for (int j = 0; j < 64; j += 8) s += d >> j & 255;
  return (VI)s;
}
// Shifts. A count beyond the lane gives zero, or the sign; the compiler never sees it.
#define SHIFTS(w, I, U) \
  ROW1IM(slli_epi##w, U, U, (unsigned)imm > w - 1 ? a ^ a : a << (U)(imm & (w - 1))) \
  ROW1IM(srli_epi##w, U, U, (unsigned)imm > w - 1 ? a ^ a : a >> (U)(imm & (w - 1))) \
  ROW1IM(srai_epi##w, I, I, a >> (I)((unsigned)imm > w - 1 ? w - 1 : imm)) \
  ROW2M(sllv_epi##w, U, U, (a << (b & (U)(w - 1))) & (V(U))(b < (U)w)) \
  ROW2M(srlv_epi##w, U, U, (a >> (b & (U)(w - 1))) & (V(U))(b < (U)w)) \
  ROW2M(srav_epi##w, U, U, (V(I))a >> (V(I))(b < (U)w ? b : V(U){} + (U)(w - 1)))
SHIFTS(16, int16_t, uint16_t) SHIFTS(32, int32_t, uint32_t) SHIFTS(64, int64_t, uint64_t)
#undef SHIFTS
#define TURN(w, U) \
  ROW1I(rol_epi##w, U, U, imm & (w - 1) ? a << (U)(imm & (w - 1)) | a >> (U)(w - (imm & (w - 1))) : a) \
  ROW1I(ror_epi##w, U, U, imm & (w - 1) ? a >> (U)(imm & (w - 1)) | a << (U)(w - (imm & (w - 1))) : a)
TURN(32, uint32_t) TURN(64, uint64_t)
#undef TURN
#define LOGIC(n, E) ROW2M(n##_epi32, int, int, E) ROW2M(n##_epi64, int64_t, int64_t, E) \
  XRT_F VI SI(n##_si)(VI a, VI b) { return E; }
LOGIC(and, a & b) LOGIC(or, a | b) LOGIC(xor, a ^ b) LOGIC(andnot, ~a & b)
#undef LOGIC
XRT_F VI F(ternarylogic_epi64)(VI x, VI y, VI z, int imm) {  // the sum of the table's minterms
  VI r{};
  for (int t = 0; t < 8; t++)
    if (imm >> t & 1) r |= (t & 4 ? x : ~x) & (t & 2 ? y : ~y) & (t & 1 ? z : ~z);
  return r;
}
XRT_F VI F(ternarylogic_epi32)(VI x, VI y, VI z, int imm) { return F(ternarylogic_epi64)(x, y, z, imm); }
#if XRT_B < 64
#define X(w, I, U) \
  ROW2(cmpeq_epi##w, I, I, a == b) ROW2(cmpgt_epi##w, I, I, a > b) ROW2(cmplt_epi##w, I, I, a < b)
EACH_INT(X)
#undef X
XRT_F VI F(blendv_epi8)(VI x, VI y, VI m) { return xrt::pick<int8_t>(x, xrt::gather_bits<int8_t, XRT_B>(m), y); }
XRT_F int F(movemask_epi8)(VI x) { return (int)xrt::gather_bits<int8_t, XRT_B>(x); }
XRT_F VI F(blend_epi32)(VI x, VI y, int imm) { return xrt::pick<int>(x, (K(int))imm, y); }
XRT_F VI F(blend_epi16)(VI x, VI y, int imm) { return xrt::pick<int16_t>(x, (K(int16_t))(imm * 257), y); }
#define X(w, I, U) \
  ROW2(sign_epi##w, I, I, ((V(U))a ^ (V(U))(b < 0)) - (V(U))(b < 0) & (V(U))(b != 0))
X(8, int8_t, uint8_t) X(16, int16_t, uint16_t) X(32, int, uint32_t)
#undef X
#define X(w, U) \
  XRT_F VI F(hadd_epi##w)(VI x, VI y) { \
    auto a = xrt::see<U>(x), b = xrt::see<U>(y); \
    U r[N(U)]; \
    const int half = 8 / sizeof(U); \
    for (int part = 0; part < N(U); part += 2 * half) \
      for (int i = 0; i < half; i++) { \
        r[part + i] = a[part + 2 * i] + a[part + 2 * i + 1]; \
        r[part + half + i] = b[part + 2 * i] + b[part + 2 * i + 1]; } \
    return xrt::read<VI>(r); }
X(16, uint16_t) X(32, uint32_t)
#undef X
#endif
// Dot products: each operand's parts as 32-bit lanes.
#if XRT_NATIVE
#define DOT(n, s) XRT_F VI F(n)(VI x, VI y, VI z) { __asm__("v" #s " %2, %1, %0" : "+v"(x) : "v"(y), "v"(z)); return x; }
DOT(dpbusd_epi32, pdpbusd) DOT(dpbusds_epi32, pdpbusds) DOT(dpwssd_epi32, pdpwssd) DOT(dpwssds_epi32, pdpwssds)
#else
#define DOT(n, E) XRT_F VI F(n)(VI x, VI y, VI z) { V(uint32_t) a = (V(uint32_t))y, b = (V(uint32_t))z; return (VI)(E); }
#define BYTE(v, j) (V(uint32_t))((V(int))((v) << (24 - 8 * (j))) >> 24)
#define FOUR ((a & 255) * BYTE(b, 0) + (a >> 8 & 255) * BYTE(b, 1) + (a >> 16 & 255) * BYTE(b, 2) + (a >> 24) * BYTE(b, 3))
#define TWO ((V(uint32_t))(LO(a, 16) * LO(b, 16)) + (V(uint32_t))(HI(a) * HI(b)))
DOT(dpbusd_epi32, (V(uint32_t))x + FOUR)
DOT(dpwssd_epi32, (V(uint32_t))x + TWO)
XRT_F VI F(dpbusds_epi32)(VI x, VI y, VI z) {
  V(uint32_t) s = (V(uint32_t))x, p = (V(uint32_t))F(dpbusd_epi32)(VI{}, y, z), r = s + p;
  V(int) end = (V(int))(s >> 31) + 0x7fffffff;
  return (VI)((V(int))((s ^ r) & (p ^ r)) < 0 ? end : (V(int))r);
}
XRT_F VI F(dpwssds_epi32)(VI x, VI y, VI z) {  // the two products reach 2^31, one past the largest: it is positive
  V(uint32_t) s = (V(uint32_t))x, a = (V(uint32_t))y, b = (V(uint32_t))z, p = TWO, r = s + p;
  V(int) past = (V(int))((a == 0x80008000u) & (b == 0x80008000u)), end = (V(int))(s >> 31) + 0x7fffffff;
  V(int) plain = (V(int))((s ^ r) & (p ^ r)) < 0 ? end : (V(int))r;
  return (VI)(past ? ((V(int))s < 0 ? (V(int))r : V(int){} + 0x7fffffff) : plain);
}
#undef BYTE
#undef FOUR
#undef TWO
#endif
#undef DOT
#undef LO
#undef HI
#undef JOIN
#define X(n) \
  XRT_F VI F(mask_##n)(VI s, K(int) k, VI y, VI z) { return xrt::pick<int>(s, k, F(n)(s, y, z)); } \
  XRT_F VI F(maskz_##n)(K(int) k, VI s, VI y, VI z) { return xrt::pick<int>(VI{}, k, F(n)(s, y, z)); }
X(dpbusd_epi32) X(dpbusds_epi32) X(dpwssd_epi32) X(dpwssds_epi32)
#undef X
