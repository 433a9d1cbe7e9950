// What the widths share: vectors by lane type, masks, selection, conversions.
#pragma once
namespace xrt {
template <class T, int B> struct VecOf { typedef T type __attribute__((vector_size(B))); };
template <class T, int B> using vec = typename VecOf<T, B>::type;
template <class T, int B> struct RegOf;
#define XRT_REG(T, B, R) template <> struct RegOf<T, B> { typedef R type; };
#define XRT_REGS(T, s) XRT_REG(T, 16, __m128##s) XRT_REG(T, 32, __m256##s) XRT_REG(T, 64, __m512##s)
XRT_REGS(float, ) XRT_REGS(double, d) XRT_REGS(int8_t, i) XRT_REGS(uint8_t, i) XRT_REGS(int16_t, i)
XRT_REGS(uint16_t, i) XRT_REGS(int32_t, i) XRT_REGS(uint32_t, i) XRT_REGS(int64_t, i) XRT_REGS(uint64_t, i)
#undef XRT_REGS
#undef XRT_REG
template <class T, int B> using reg = typename RegOf<T, B>::type;
template <int N> struct MaskOf { typedef __mmask8 type; };
template <> struct MaskOf<16> { typedef __mmask16 type; };
template <> struct MaskOf<32> { typedef __mmask32 type; };
template <> struct MaskOf<64> { typedef __mmask64 type; };
template <class T, int B> using mask = typename MaskOf<B / (int)sizeof(T)>::type;
template <int S> struct IntOf;  // the signed integer of a lane's size
template <> struct IntOf<1> { typedef int8_t type; };
template <> struct IntOf<2> { typedef int16_t type; };
template <> struct IntOf<4> { typedef int32_t type; };
template <> struct IntOf<8> { typedef int64_t type; };
template <class T> using same_int = typename IntOf<sizeof(T)>::type;

template <class A, class R> XRT_H A bits(const R& r) {  // the low bytes of r as another type; zeros above
  A a{};
  __builtin_memcpy(&a, &r, sizeof a < sizeof r ? sizeof a : sizeof r);
  return a;
}
template <class R> XRT_H R read(const void* p) { R r; __builtin_memcpy(&r, p, sizeof r); return r; }
template <class R> XRT_H void write(void* p, R r) { __builtin_memcpy(p, &r, sizeof r); }

// A mask's bits spread over lanes as 0 or -1, and back.
template <class T, int B> XRT_H vec<same_int<T>, B> spread(mask<T, B> k) {
  typedef same_int<T> I;
  enum { N = B / sizeof(T) };
  I m[N];
  for (int i = 0; i < N; i++) m[i] = (I)-(I)((k >> i) & 1);
  return read<vec<I, B>>(m);
}
template <class T, int B, class M> XRT_H mask<T, B> gather_bits(M m) {
  enum { N = B / sizeof(T) };
  same_int<T> v[N];
  __builtin_memcpy(v, &m, B);
  unsigned long long k = 0;
  for (int i = 0; i < N; i++) k += (unsigned long long)(v[i] < 0) << i;
  return (mask<T, B>)k;
}
template <class T, class R> XRT_H R pick(R otherwise, mask<T, sizeof(R)> k, R value) {
  typedef vec<same_int<T>, sizeof(R)> I;
  I m = spread<T, sizeof(R)>(k);
  return (R)(((I)value & m) | ((I)otherwise & ~m));
}
template <class T, class R> XRT_H void write_some(void* p, mask<T, sizeof(R)> k, R r) {
  T v[sizeof(R) / sizeof(T)];
  __builtin_memcpy(v, &r, sizeof r);
  for (unsigned i = 0; i < sizeof(R) / sizeof(T); i++)
    if (k >> i & 1) __builtin_memcpy((T*)p + i, v + i, sizeof(T));
}
template <class T, class R> XRT_H R read_some(R otherwise, mask<T, sizeof(R)> k, const void* p) {
  T v[sizeof(R) / sizeof(T)];
  __builtin_memcpy(v, &otherwise, sizeof otherwise);
  for (unsigned i = 0; i < sizeof(R) / sizeof(T); i++)
    if (k >> i & 1) __builtin_memcpy(v + i, (const T*)p + i, sizeof(T));
  return read<R>(v);
}
// Lane i of the result is f(i).
template <class T, int B, class Fn> XRT_H reg<T, B> build(Fn f) {
  T v[B / sizeof(T)];
#pragma GCC unroll 64
  for (int i = 0; i < (int)(B / sizeof(T)); i++) v[i] = (T)f(i);
  return read<reg<T, B>>(v);
}
template <class T, class R> struct View {  // a register's lanes by number
  T v[sizeof(R) / sizeof(T)];
  View(R r) { __builtin_memcpy(v, &r, sizeof r); }
  T operator[](int i) const { return v[i]; }
};
template <class T, class R> XRT_H View<T, R> see(R r) { return View<T, R>(r); }

// Integers of W bits out of wider ones: held at the ends of the type.
template <class U, class T> XRT_H U hold(T v) {
  constexpr int w = 8 * sizeof(U);
  if constexpr ((U)-1 < (U)0) {
    constexpr long long top = (1ll << (w - 1)) - 1;
    if ((T)-1 < (T)0) return (long long)v > top ? (U)top : (long long)v < -top - 1 ? (U)(-top - 1) : (U)v;
    return (unsigned long long)v > (unsigned long long)top ? (U)top : (U)v;
  } else {
    constexpr unsigned long long top = (1ull << w) - 1;
    if ((T)-1 < (T)0 && v < (T)0) return 0;
    return (unsigned long long)v > top ? (U)top : (U)v;
  }
}
// Floating point to integer as the processor does it: all other values give 0x80..0 or 0xff..f.
template <class U, class T> XRT_H U integer(T x, bool cut) {
  T r = sizeof(T) == 4 ? (T)(cut ? __builtin_truncf((float)x) : __builtin_rintf((float)x))
                       : (T)(cut ? __builtin_trunc((double)x) : __builtin_rint((double)x));
  bool is_signed = (U)-1 < (U)0;
  T top = is_signed ? (T)2147483648.0 : (T)4294967296.0, low = is_signed ? (T)-2147483648.0 : (T)0;
  if (!(r >= low) || !(r < top)) return is_signed ? (U)0x80000000u : (U)0xffffffffu;
  return is_signed ? (U)(int)r : (U)(unsigned)(long long)r;
}
template <class T> XRT_H T root(T x) { return sizeof(T) == 4 ? (T)__builtin_sqrtf((float)x) : (T)__builtin_sqrt((double)x); }
XRT_H float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
XRT_H double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
template <class T> XRT_H T rounded(T x, int how) {
  double d = x;  // exact
  d = how & 4 ? __builtin_rint(d) : (how & 3) == 0 ? __builtin_rint(d) : (how & 3) == 1 ? __builtin_floor(d)
      : (how & 3) == 2 ? __builtin_ceil(d) : __builtin_trunc(d);
  return (T)d;
}
template <class T> XRT_H T scaled(T a, T b) {
  constexpr T inf = (T)__builtin_inf();
  if (b == inf) return a == 0 ? (T)__builtin_nan("") : a != a ? inf : a < 0 ? -inf : inf;
  if (b == -inf) return a == inf || a == -inf ? (T)__builtin_nan("") : a != a ? (T)0 : (T)__builtin_copysign(0.0, (double)a);
  if (a != a || b != b) return a + b;
  T whole = (T)__builtin_floor((double)b);
  int n = whole > 5000 ? 5000 : whole < -5000 ? -5000 : (int)whole;
  return sizeof(T) == 4 ? (T)__builtin_ldexpf((float)a, n) : (T)__builtin_ldexp((double)a, n);
}
template <class T> XRT_H bool compared(T a, T b, int how) {  // the 32 predicates, from four facts
  bool unordered = a != a || b != b, less = a < b, equal = a == b;
  bool more = !unordered && !less && !equal;
  switch (how & 15) {
    case 0: return equal;
    case 1: return less;
    case 2: return less || equal;
    case 3: return unordered;
    case 4: return !equal;
    case 5: return unordered || equal || more;
    case 6: return unordered || more;
    case 7: return !unordered;
    case 8: return equal || unordered;
    case 9: return less || unordered;
    case 10: return less || equal || unordered;
    case 11: return false;
    case 12: return less || more;
    case 13: return more || equal;
    case 14: return more;
    default: return true;
  }
}
// Per 128 bits: the lanes of x, then those of y, held within U.
template <class T, class U, class R> XRT_H R packed(R x, R y) {
  T in[2][sizeof(R) / sizeof(T)];
  U out[sizeof(R) / sizeof(U)], *to = out;
  write(in[0], x);
  write(in[1], y);
  for (unsigned part = 0; part < sizeof(R) / 16; part++)
    for (int side = 0; side < 2; side++)
      for (unsigned i = 0; i < 16 / sizeof(T); i++) *to++ = hold<U>(in[side][part * (16 / sizeof(T)) + i]);
  return read<R>(out);
}
template <class T, class R> XRT_H R interleaved(R x, R y, int start) {
  T a[sizeof(R) / sizeof(T)], b[sizeof(R) / sizeof(T)], out[sizeof(R) / sizeof(T)], *to = out;
  write(a, x);
  write(b, y);
  for (unsigned part = 0; part < sizeof(R) / sizeof(T); part += 16 / sizeof(T))
    for (unsigned i = 0; i < 8 / sizeof(T); i++) *to++ = a[part + start + i], *to++ = b[part + start + i];
  return read<R>(out);
}
template <class R, class P> XRT_H R repeated(P x) {
  R r;
  for (unsigned at = 0; at < sizeof r; at += sizeof x) __builtin_memcpy((char*)&r + at, &x, sizeof x);
  return r;
}
template <class P, class R> XRT_H P part(R x, int n) {
  P p;
  __builtin_memcpy(&p, (char*)&x + sizeof p * (n & (sizeof x / sizeof p - 1)), sizeof p);
  return p;
}
template <class R, class P> XRT_H R with_part(R x, P p, int n) {
  __builtin_memcpy((char*)&x + sizeof p * (n & (sizeof x / sizeof p - 1)), &p, sizeof p);
  return x;
}
template <class T, class Fn> XRT_H T folded(const T* v, int n, Fn f) {  // upper half onto lower half
  T w[16];
  __builtin_memcpy(w, v, n * sizeof(T));
  while (n > 1) {
    n >>= 1;
    for (int i = 0; i < n; i++) w[i] = f(w[i], w[n + i]);
  }
  return *w;
}
}  // namespace xrt
