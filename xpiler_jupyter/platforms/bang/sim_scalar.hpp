// Scalar functions and conversions. Roundings to narrow floats are the runtime's (narrow.h).
#pragma once

// Integer min and max as the language has them; floats go by fminf and fmaxf.
#define XRT_MINMAX(T) inline T min(T a, T b) { return b < a ? b : a; } inline T max(T a, T b) { return a < b ? b : a; }
XRT_MINMAX(int) XRT_MINMAX(unsigned) XRT_MINMAX(long) XRT_MINMAX(unsigned long) XRT_MINMAX(long long)
XRT_MINMAX(unsigned long long)
#undef XRT_MINMAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
template <class A, class B> using XrtCommon = decltype(true ? A() : B());
template <class A, class B> inline XrtCommon<A, B> min(A a, B b) { return min((XrtCommon<A, B>)a, (XrtCommon<A, B>)b); }
template <class A, class B> inline XrtCommon<A, B> max(A a, B b) { return max((XrtCommon<A, B>)a, (XrtCommon<A, B>)b); }

namespace bang {
enum Mode { RN, TZ, DN, UP, OZ, RD };
inline double whole(double x, Mode m) {
  double t = __builtin_trunc(x), f = x - t;  // exact: t has the sign of x
  if (f == 0.0 || x != x || x - x != 0.0) return x;
  double away = t + (x < 0 ? -1.0 : 1.0), half_ = f < 0 ? -f : f;
  switch (m) {
    case TZ: return t;
    case OZ: return away;
    case DN: return x < 0 ? away : t;
    case UP: return x < 0 ? t : away;
    case RD: return half_ >= 0.5 ? away : t;
    default: return half_ > 0.5 || (half_ == 0.5 && (long long)t % 2 != 0) ? away : t;
  }
}
template <class D> inline D to_integer(double x, Mode m) {
  const double lo = (double)std::numeric_limits<D>::min(), hi = (double)std::numeric_limits<D>::max();
  if (x != x) return 0;
  double r = whole(x, m);
  return r <= lo ? std::numeric_limits<D>::min() : r >= hi ? std::numeric_limits<D>::max() : (D)r;
}
// Bits of a floating type with `man` stored fraction bits: the nearest towards zero, by cutting the double's own.
template <class D> struct Form;
template <> struct Form<float> { enum { fraction = 23, least = -126 }; static double top() { return 3.4028234663852886e38; } };
template <> struct Form<half> { enum { fraction = 10, least = -14 }; static double top() { return 65504.0; } };
template <> struct Form<bfloat16_t> {
  enum { fraction = 7, least = -126 };
  static double top() { return 3.3895313892515355e38; }
};
template <class D> inline D cut(double x) {
  if (x != x) return (D)(float)x;
  double most = Form<D>::top();
  if (x >= most) return (D)(float)most;
  if (x <= -most) return (D)(float)-most;
  if (x == 0.0) return (D)(float)x;
  int e;
  (void)frexp(x, &e);  // x = f * 2^e with f in [0.5, 1)
  if (e - 1 < Form<D>::least) e = Form<D>::least + 1;
  double unit = ldexp(1.0, e - 1 - Form<D>::fraction);
  return (D)(float)(__builtin_trunc(x / unit) * unit);  // a value of D: every conversion on the way is exact
}
template <class D> inline D to_float(double x, Mode m) { return m == TZ ? cut<D>(x) : (D)x; }
}  // namespace bang

inline half __float2half(float x) { return bang::cut<half>(x); }
inline half __float2half_tz(float x) { return bang::cut<half>(x); }
inline half __float2half_rn(float x) { return (half)x; }
inline float __half2float(half x) { return (float)x; }
inline half __int2half_rn(int x) { return (half)(double)x; }
inline half __int2half(int x) { return bang::cut<half>(x); }
inline float __int2float(int x) { return bang::cut<float>(x); }
inline float __int2float_rn(int x) { return (float)x; }
#define XRT_TO_INT(word, T, D)                                                                        \
  inline D word(T x) { return bang::to_integer<D>((double)x, bang::TZ); }                              \
  inline D word##_tz(T x) { return bang::to_integer<D>((double)x, bang::TZ); }                         \
  inline D word##_rn(T x) { return bang::to_integer<D>((double)x, bang::RN); }                         \
  inline D word##_dn(T x) { return bang::to_integer<D>((double)x, bang::DN); }                         \
  inline D word##_up(T x) { return bang::to_integer<D>((double)x, bang::UP); }                         \
  inline D word##_rd(T x) { return bang::to_integer<D>((double)x, bang::RD); }
XRT_TO_INT(__float2int, float, int) XRT_TO_INT(__float2short, float, short) XRT_TO_INT(__float2char, float, signed char)
XRT_TO_INT(__float2uint, float, unsigned) XRT_TO_INT(__half2int, half, int) XRT_TO_INT(__half2short, half, short)
#undef XRT_TO_INT
inline unsigned __popcnt(unsigned x) { return (unsigned)__builtin_popcount(x); }
#define __bang_printf(...) ((void)0)
#define __bang_report(...) ((void)0)
#define __assert(c) assert(c)
