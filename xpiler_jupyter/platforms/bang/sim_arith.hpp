// Element-wise arithmetic, comparisons, selection and sums. Written from the guide, apart from the tables' `meaning`:
// floats are computed in double and rounded once, integers in 64 bits and cut.
#pragma once

namespace bang {
template <class T> inline constexpr bool is_float = (float)(T)0.5f != 0.0f;
template <> inline constexpr bool is_float<half> = true;
template <> inline constexpr bool is_float<bfloat16_t> = true;
template <class T> using Wide = std::conditional_t<is_float<T>, double, long long>;
template <class T> inline Wide<T> wide(T x) {
  if constexpr (is_float<T>) return (double)(float)x;
  else return (long long)x;
}
template <class T, class W> inline T narrow(W x) {
  if constexpr (std::is_same_v<W, bool>) return (T)(x ? 1.0f : 0.0f);
  else return (T)x;
}
template <class T> inline bool nan(T x) { return x != x; }
typedef unsigned int uint_;

template <class T, class F> inline void map1(T* d, const T* a, uint_ n, F f) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(f(wide(a[i])));
}
template <class T, class F> inline void map2(T* d, const T* a, const T* b, uint_ n, F f) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(f(wide(a[i]), wide(b[i])));
}
template <class T, class F> inline void map_scalar(T* d, const T* a, T v, uint_ n, F f) {
  const auto w = wide(v);
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(f(wide(a[i]), w));
}
template <class T, class F> inline void map_cycle(T* d, const T* a, const T* s, uint_ n, uint_ m, F f) {
  for (uint_ i = 0, j = 0; i < n; i++, j = j + 1 == m ? 0 : j + 1) d[i] = narrow<T>(f(wide(a[i]), wide(s[j])));
}
#define BANG_TWO(name, scalar_name, expr)                                                                     \
  struct name##_ { template <class W> auto operator()(W a, W b) const { return expr; } };                     \
  template <class T> void name(T* d, const T* a, const T* b, uint_ n) { map2(d, a, b, n, name##_()); }         \
  template <class T> void scalar_name(T* d, const T* a, T v, uint_ n) { map_scalar(d, a, v, n, name##_()); }   \
  template <class T> void cycle_##name(T* d, const T* a, const T* s, uint_ n, uint_ m) {                       \
    map_cycle(d, a, s, n, m, name##_()); }
BANG_TWO(add, add_scalar, a + b)
BANG_TWO(sub, sub_scalar, a - b)
BANG_TWO(mul, mul_scalar, a * b)
BANG_TWO(eq, eq_scalar, !(a < b) && !(a > b) && !nan(a) && !nan(b))
BANG_TWO(ne, ne_scalar, a < b || a > b || nan(a) || nan(b))
BANG_TWO(lt, lt_scalar, b > a)
BANG_TWO(le, le_scalar, b >= a)
BANG_TWO(gt, gt_scalar, b < a)
BANG_TWO(ge, ge_scalar, b <= a)
BANG_TWO(equ, equ_scalar, !(a < b) && !(a > b))
BANG_TWO(neu, neu_scalar, !(a == b))
BANG_TWO(ltu, ltu_scalar, !(a >= b))
BANG_TWO(leu, leu_scalar, !(a > b))
BANG_TWO(gtu, gtu_scalar, !(a <= b))
BANG_TWO(geu, geu_scalar, !(a < b))
BANG_TWO(maxequal, maxeq_scalar, a < b ? b : a)
BANG_TWO(minequal, mineq_scalar, a > b ? b : a)
BANG_TWO(maximum, maximum_scalar, nan(a) || a < b ? b : a)
BANG_TWO(minimum, minimum_scalar, nan(a) || a > b ? b : a)
BANG_TWO(nan_maximum, nan_maximum_scalar, nan(b) && !nan(a) ? b : a < b ? b : a)
BANG_TWO(nan_minimum, nan_minimum_scalar, nan(b) && !nan(a) ? b : a > b ? b : a)
BANG_TWO(and_, and_scalar, !(a == 0 || b == 0))
BANG_TWO(or_, or_scalar, !(a == 0 && b == 0))
BANG_TWO(xor_, xor_scalar, (a == 0) != (b == 0))
BANG_TWO(band, band_scalar, a & b)
BANG_TWO(bor, bor_scalar, a | b)
BANG_TWO(bxor, bxor_scalar, a ^ b)
#undef BANG_TWO

template <class T> inline T clamped(long long v) {
  const long long lo = (long long)std::numeric_limits<T>::min(), hi = (long long)std::numeric_limits<T>::max();
  return (T)(v < lo ? lo : v > hi ? hi : v);
}
#define BANG_SATURATING(name, op)                                                                                       \
  template <class T> void name(T* d, const T* a, const T* b, uint_ n) {                                                 \
    for (uint_ i = 0; i < n; i++) d[i] = clamped<T>((long long)a[i] op (long long)b[i]); }                              \
  template <class T> void name##_scalar(T* d, const T* a, T b, uint_ n) {                                               \
    for (uint_ i = 0; i < n; i++) d[i] = clamped<T>((long long)a[i] op (long long)b); }                                 \
  template <class T> void cycle_##name(T* d, const T* a, const T* s, uint_ n, uint_ m) {                                \
    for (uint_ i = 0; i < n; i++) d[i] = clamped<T>((long long)a[i] op (long long)s[i % m]); }
BANG_SATURATING(adds, +)
BANG_SATURATING(subs, -)
#undef BANG_SATURATING

template <class T> inline Wide<T> quotient(T a, T b) {
  if constexpr (!is_float<T>) if (b == -1) return -wide(a);  // the smallest integer by -1 wraps instead of trapping
  return wide(a) / wide(b);
}
template <class T> inline Wide<T> modulus(T a, T b) {
  if constexpr (!is_float<T>) if (b == (T)-1 && (T)-1 < (T)0) return 0;
  return wide(a) % wide(b);
}
template <class T> void div(T* d, const T* a, const T* b, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(quotient(a[i], b[i])); }
template <class T> void div(T* d, const T* a, T b, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(quotient(a[i], b)); }
template <class T> void div(T* d, const T* a, const T* b, T*, uint_ n) { div(d, a, b, n); }
template <class T> void rem(T* d, const T* a, const T* b, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(modulus(a[i], b[i])); }
template <class T> void rem(T* d, const T* a, T b, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<T>(modulus(a[i], b)); }

#define BANG_ONE(name, expr)                                                                     \
  template <class T> void name(T* d, const T* s, uint_ n) {                                      \
    map1(d, s, n, [](auto x) { return expr; }); }
BANG_ONE(abs, x < 0 ? -x : x == 0 ? x * x : x)
BANG_ONE(neg, 0 - x)
BANG_ONE(floor, __builtin_floor(x))
BANG_ONE(round, whole(x, RD))
BANG_ONE(nearbyint, x == 0 || (x > -0.5 && x < 0.5) ? x * 0.0 : whole(x, RN) == 0 ? x * 0.0 : whole(x, RN))
BANG_ONE(relu, 0 < x ? x : x - x == x - x ? x * 0 + 0 : (decltype(x))0)
BANG_ONE(not_, !(x != 0))
BANG_ONE(bnot, -x - 1)
BANG_ONE(sign, (x >= 0 ? decltype(x)(1) : decltype(x)(-1)))
BANG_ONE(sqrt, __builtin_sqrt(x))
BANG_ONE(rsqrt, 1 / __builtin_sqrt(x))
BANG_ONE(recip, 1 / x)
BANG_ONE(sin, ::sin(x))
BANG_ONE(cos, ::cos(x))
BANG_ONE(tanh, ::tanh(x))
BANG_ONE(exp, ::exp(x))
BANG_ONE(ln, ::log(x))
BANG_ONE(log2, ::log2(x))
BANG_ONE(pow2, ::exp2(x))
BANG_ONE(sigmoid, 1 / (1 + ::exp(-x)))
BANG_ONE(gelu, x * (0.5 * ::erfc(-x * M_SQRT1_2)))
BANG_ONE(gelup, x * (1 / (1 + ::exp(-2 * (M_2_SQRTPI * M_SQRT1_2) * (x + 0.044715 * x * x * x)))))
#undef BANG_ONE
template <class D, class S> void square(D* d, const S* s, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<D>(wide(s[i]) * wide(s[i])); }
template <class D, class S> void muls(D* d, const S* a, const S* b, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = narrow<D>(wide(a[i]) * wide(b[i])); }
template <class T> void relun(T* d, const T* s, uint_ n, T top) {
  for (uint_ i = 0; i < n; i++) {
    auto x = wide(s[i]);
    d[i] = nan(x) ? s[i] : x >= wide(top) ? top : x < 0 ? (T)0 : s[i];
  } }
template <class T> void sll(T* d, const T* s, uint_ k, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = (T)((long long)s[i] * (1ll << k)); }
template <class T> void sra(T* d, const T* s, uint_ k, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = (T)((long long)s[i] >> k); }
template <class T> void srl(T* d, const T* s, uint_ k, uint_ n) {
  for (uint_ i = 0; i < n; i++) d[i] = (T)((long long)s[i] / (1ll << k)); }

template <class T> T sum(const T* s, uint_ n) {
  float all = 0.0f;
  for (const T* e = s + n; s != e; ++s) all = all + (float)*s;
  return (T)all; }
template <class T> void reduce_sum(T* d, const T* s, uint_ n) {
  const uint_ line = 128 / sizeof(T);
  for (uint_ at = 0; at < n; at += line) d[at] = sum(s + at, line); }
template <class T> unsigned count(const T* s, uint_ n) {
  unsigned k = n;
  while (n) k -= s[--n] == 0;
  return k; }
template <class T> unsigned findfirst1(const T* s, uint_ n) {
  for (uint_ i = 0; i < n; i++) if (!(s[i] == 0)) return i;
  return ~0u; }
template <class T> unsigned findlast1(const T* s, uint_ n) {
  while (n--) if (!(s[n] == 0)) return n;
  return ~0u; }
template <class T> void count(unsigned* d, const T* s, uint_ n) { *d = count(s, n); }
template <class T> void findfirst1(unsigned* d, const T* s, uint_ n) { *d = findfirst1(s, n); }
template <class T> void findlast1(unsigned* d, const T* s, uint_ n) { *d = findlast1(s, n); }

enum { LARGEST = 1, SMALLEST = 2, NANS = 4, ABSOLUTE = 8 };
template <int How, class T> void extreme(T* d, const T* s, uint_ n) {
  uint_ best = 0;
  auto value = [&](uint_ i) { double x = (double)(float)s[i]; return How & ABSOLUTE && x < 0 ? -x : x; };
  for (uint_ i = 1; i < n; i++) {
    double x = value(i), m = value(best);
    bool better = How & LARGEST ? x > m : x < m;
    if (How & NANS ? !nan(m) && (nan(x) || better) : better || (nan(m) && !nan(x))) best = i;
  }
  T v = How & ABSOLUTE ? (T)(float)fabs((double)(float)s[best]) : s[best];
  char* out = (char*)d;
  memcpy(out, &v, sizeof v);
  memcpy(out + sizeof v, &best, 4);
  if (How & ABSOLUTE) memset(out + sizeof v + 4, 0, 4);
}

template <class T> unsigned filter(T* d, const T* s, const T* index, uint_ n) {
  T* at = d;
  for (uint_ i = 0; i < n; i++) {
    T x = s[i];
    if (!(index[i] == 0)) *at++ = x;
  }
  return (unsigned)(at - d); }
template <class T> void collect(T* d, const T* s, const T* mask, uint_ n) { filter(d, s, mask, n); }
template <class T> void select(T* d, const T* s, const T* index, uint_ n) {
  unsigned head[32] = {filter(d + 128 / sizeof(T), s, index, n)};
  memcpy((void*)d, head, sizeof head); }
inline void maskmove(void* d, const void* s, const void* mask, uint_ n) {
  for (uint_ i = 0; i < n; i++)
    if (((const unsigned char*)mask)[i >> 3] & (1u << (i & 7))) ((char*)d)[i] = ((const char*)s)[i]; }

template <class T> void write_zero(T* d, uint_ n) { memset((void*)d, 0, n * sizeof(T)); }

// Conversions: the value is the integer times 2^position.
template <Mode M, class D, class S> void convert(D* d, const S* s, uint_ n, int scale = 0) {
  for (uint_ i = 0; i < n; i++) {
    double v = ldexp((double)wide(s[i]), scale);
    if constexpr (is_float<D>) d[i] = to_float<D>(v, M);
    else d[i] = to_integer<D>(v, M);
  } }
template <Mode M, class D, class S> void convert_strided(D* d, const S* s, uint_ n, int scale, uint_ ds, uint_ ss, uint_ segs) {
  for (uint_ k = 0; k <= segs; k++)
    convert<M>((D*)((char*)d + (xrt_u64)k * ds), (const S*)((const char*)s + (xrt_u64)k * ss), n, scale); }
}  // namespace bang
