// What every kernel text may take for granted, on any platform: integer names, the <cmath> functions with C++'s
// overloads, the few libc and std names that kernels use. Parsed with each kernel, hence short.
#pragma once
#include "xrt.h"
#include "narrow.h"

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t, ssize_t;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __INTMAX_TYPE__ intmax_t;
typedef __UINTMAX_TYPE__ uintmax_t;
typedef unsigned int uint;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned long ulong;

#define NULL nullptr
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VAL __builtin_inf()
#define HUGE_VALF __builtin_inff()
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define FLT_DIG __FLT_DIG__
#define FLT_MANT_DIG __FLT_MANT_DIG__
#define DBL_MAX __DBL_MAX__
#define DBL_MIN __DBL_MIN__
#define DBL_EPSILON __DBL_EPSILON__
#define CHAR_BIT 8
#define SCHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define CHAR_MIN (-128)
#define CHAR_MAX 127
#define SHRT_MIN (-32768)
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define UINT_MAX (2u * __INT_MAX__ + 1u)
#define LONG_MAX __LONG_MAX__
#define LONG_MIN (-__LONG_MAX__ - 1L)
#define ULONG_MAX (2ul * __LONG_MAX__ + 1ul)
#define LLONG_MAX __LONG_LONG_MAX__
#define LLONG_MIN (-__LONG_LONG_MAX__ - 1LL)
#define ULLONG_MAX (2ull * __LONG_LONG_MAX__ + 1ull)
#define INT8_MIN (-128)
#define INT8_MAX 127
#define UINT8_MAX 255
#define INT16_MIN (-32768)
#define INT16_MAX 32767
#define UINT16_MAX 65535
#define INT32_MIN INT_MIN
#define INT32_MAX INT_MAX
#define UINT32_MAX UINT_MAX
#define INT64_MIN LONG_MIN
#define INT64_MAX LONG_MAX
#define UINT64_MAX ULONG_MAX
#define SIZE_MAX ULONG_MAX
#define INT64_C(c) c##L
#define UINT64_C(c) c##UL
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define offsetof(t, m) __builtin_offsetof(t, m)
#define va_start(v, l) __builtin_va_start(v, l)
#define va_end(v) __builtin_va_end(v)
#define restrict __restrict__
#define XRT_LINE __builtin_LINE()
#undef assert
#define assert(c) ((c) ? (void)0 : xrt_fault(xrt::kAssert, __LINE__, #c))
#define exit(code) xrt_fault(xrt::kExit, __LINE__, #code)
#define abort() xrt_fault(xrt::kExit, __LINE__, "abort")

namespace xrt {
template <class T> struct up {};  // what <cmath> computes in when it is given a T
#define XRT_UP(T, U) template <> struct up<T> { typedef U type; };
XRT_UP(bool, double) XRT_UP(char, double) XRT_UP(signed char, double) XRT_UP(unsigned char, double)
XRT_UP(short, double) XRT_UP(unsigned short, double) XRT_UP(int, double) XRT_UP(unsigned, double)
XRT_UP(long, double) XRT_UP(unsigned long, double) XRT_UP(long long, double) XRT_UP(unsigned long long, double)
XRT_UP(float, float) XRT_UP(double, double) XRT_UP(_Float16, float)
#ifdef __clang__
XRT_UP(__bf16, float)
#endif
#undef XRT_UP
template <class A, class B> struct wide { typedef double type; };
template <> struct wide<float, float> { typedef float type; };
template <class T> struct bare { typedef T type; };
template <class T> struct bare<T&> { typedef T type; };
template <class T> struct bare<T&&> { typedef T type; };
template <class A, class B, class U = typename up<A>::type, class V = typename up<B>::type>
struct up2 : wide<U, V> {};
}  // namespace xrt

#define XRT_F1(N)                                  \
  extern "C" float N##f(float) noexcept;           \
  extern "C" double N(double) noexcept;            \
  inline float N(float x) { return N##f(x); }      \
  template <class T> inline typename xrt::up<T>::type N(T x) { return N((typename xrt::up<T>::type)x); } \
  namespace std { using ::N; using ::N##f; }
#define XRT_F2(N)                                  \
  extern "C" float N##f(float, float) noexcept;    \
  extern "C" double N(double, double) noexcept;    \
  inline float N(float x, float y) { return N##f(x, y); } \
  template <class A, class B> inline typename xrt::up2<A, B>::type N(A x, B y) { \
    typedef typename xrt::up2<A, B>::type T; return N((T)x, (T)y); } \
  namespace std { using ::N; using ::N##f; }
XRT_F1(exp) XRT_F1(exp2) XRT_F1(expm1) XRT_F1(log) XRT_F1(log2) XRT_F1(log10) XRT_F1(log1p) XRT_F1(sqrt) XRT_F1(cbrt)
XRT_F1(sin) XRT_F1(cos) XRT_F1(tan) XRT_F1(asin) XRT_F1(acos) XRT_F1(atan) XRT_F1(sinh) XRT_F1(cosh) XRT_F1(tanh)
XRT_F1(asinh) XRT_F1(acosh) XRT_F1(atanh) XRT_F1(erf) XRT_F1(erfc) XRT_F1(tgamma) XRT_F1(lgamma) XRT_F1(floor)
XRT_F1(ceil) XRT_F1(trunc) XRT_F1(round) XRT_F1(rint) XRT_F1(nearbyint) XRT_F1(fabs) XRT_F1(logb)
XRT_F2(pow) XRT_F2(fmod) XRT_F2(atan2) XRT_F2(fmin) XRT_F2(fmax) XRT_F2(hypot) XRT_F2(copysign) XRT_F2(remainder)
XRT_F2(fdim) XRT_F2(nextafter)
#undef XRT_F1
#undef XRT_F2

extern "C" {
float fmaf(float, float, float) noexcept;
double fma(double, double, double) noexcept;
float ldexpf(float, int) noexcept;
double ldexp(double, int) noexcept;
float frexpf(float, int*) noexcept;
double frexp(double, int*) noexcept;
float modff(float, float*) noexcept;
double modf(double, double*) noexcept;
long lroundf(float) noexcept;
long lround(double) noexcept;
long lrintf(float) noexcept;
long lrint(double) noexcept;
long long llroundf(float) noexcept;
long long llround(double) noexcept;
long long llrintf(float) noexcept;
long long llrint(double) noexcept;
int abs(int) noexcept;
long labs(long) noexcept;
long long llabs(long long) noexcept;
void* memcpy(void*, const void*, size_t) noexcept;
void* memmove(void*, const void*, size_t) noexcept;
void* memset(void*, int, size_t) noexcept;
int memcmp(const void*, const void*, size_t) noexcept;
size_t strlen(const char*) noexcept;
int strcmp(const char*, const char*) noexcept;
// Memory of the text lies between guard pages too; what it prints goes nowhere.
void* malloc(size_t) __asm__("xrt_malloc");
void* calloc(size_t, size_t) __asm__("xrt_calloc");
void free(void*) __asm__("xrt_free");
int printf(const char*, ...) __asm__("xrt_print");
int fprintf(void*, const char*, ...) __asm__("xrt_fprint");
int puts(const char*) __asm__("xrt_put");
}
#define stderr ((void*)0)
#define stdout ((void*)0)
inline void* aligned_alloc(size_t, size_t n) { return malloc(n); }
inline float fma(float a, float b, float c) { return fmaf(a, b, c); }
inline float ldexp(float a, int n) { return ldexpf(a, n); }
inline float frexp(float a, int* n) { return frexpf(a, n); }
inline long lround(float a) { return lroundf(a); }
inline long lrint(float a) { return lrintf(a); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline long abs(long x) { return labs(x); }
inline long long abs(long long x) { return llabs(x); }
#undef isnan
#undef isinf
#undef isfinite
#undef signbit
template <class T> inline bool isnan(T x) { return __builtin_isnan((typename xrt::up<T>::type)x); }
template <class T> inline bool isinf(T x) { return __builtin_isinf((typename xrt::up<T>::type)x); }
template <class T> inline bool isfinite(T x) { return __builtin_isfinite((typename xrt::up<T>::type)x); }
template <class T> inline bool signbit(T x) { return __builtin_signbit((typename xrt::up<T>::type)x); }

namespace std {
using ::abs; using ::fma; using ::fmaf; using ::ldexp; using ::frexp; using ::lround; using ::lrint; using ::isnan;
using ::isinf; using ::isfinite; using ::signbit; using ::memcpy; using ::memmove; using ::memset; using ::malloc;
using ::calloc; using ::free; using ::printf; using ::size_t; using ::ptrdiff_t; using ::int8_t; using ::int16_t;
using ::int32_t; using ::int64_t; using ::uint8_t; using ::uint16_t; using ::uint32_t; using ::uint64_t;
using ::intptr_t; using ::uintptr_t; using ::labs; using ::llabs; using ::memcmp; using ::strlen;
typedef decltype(nullptr) nullptr_t;
template <class T> constexpr const T& min(const T& a, const T& b) { return b < a ? b : a; }
template <class T> constexpr const T& max(const T& a, const T& b) { return a < b ? b : a; }
template <class T> constexpr const T& clamp(const T& v, const T& lo, const T& hi) {
  return v < lo ? lo : hi < v ? hi : v; }
template <class T> constexpr typename xrt::bare<T>::type&& move(T&& t) {
  return static_cast<typename xrt::bare<T>::type&&>(t); }
template <class T> inline void swap(T& a, T& b) { T c = a; a = b; b = c; }
template <class I, class T> inline void fill(I a, I b, const T& v) { for (; a != b; ++a) *a = v; }
template <class I, class N, class T> inline I fill_n(I a, N n, const T& v) { for (; n > 0; --n) *a++ = v; return a; }
template <class I, class O> inline O copy(I a, I b, O o) { for (; a != b; ++a) *o++ = *a; return o; }
template <class T> struct numeric_limits {};
#define XRT_LIMITS(T, lo, hi, least, eps, inf, nan, integer)                                                   \
  template <> struct numeric_limits<T> {                                                                       \
    static constexpr bool is_specialized = true, is_integer = integer, is_signed = (T)-1 < (T)0,               \
                          has_infinity = !integer;                                                             \
    static constexpr T min() { return least; } static constexpr T max() { return hi; }                         \
    static constexpr T lowest() { return lo; } static constexpr T epsilon() { return eps; }                    \
    static constexpr T infinity() { return inf; } static constexpr T quiet_NaN() { return nan; } };
#define XRT_INT(T, lo, hi) XRT_LIMITS(T, lo, hi, lo, 0, 0, 0, true)
XRT_INT(bool, false, true) XRT_INT(char, CHAR_MIN, CHAR_MAX) XRT_INT(signed char, SCHAR_MIN, SCHAR_MAX)
XRT_INT(unsigned char, 0, UCHAR_MAX) XRT_INT(short, SHRT_MIN, SHRT_MAX) XRT_INT(unsigned short, 0, USHRT_MAX)
XRT_INT(int, INT_MIN, INT_MAX) XRT_INT(unsigned, 0, UINT_MAX) XRT_INT(long, LONG_MIN, LONG_MAX)
XRT_INT(unsigned long, 0, ULONG_MAX) XRT_INT(long long, LLONG_MIN, LLONG_MAX)
XRT_INT(unsigned long long, 0, ULLONG_MAX)
XRT_LIMITS(float, -FLT_MAX, FLT_MAX, FLT_MIN, FLT_EPSILON, __builtin_inff(), __builtin_nanf(""), false)
XRT_LIMITS(double, -DBL_MAX, DBL_MAX, DBL_MIN, DBL_EPSILON, __builtin_inf(), __builtin_nan(""), false)
#undef XRT_INT
#undef XRT_LIMITS
template <bool B, class T, class F> struct conditional { typedef T type; };
template <class T, class F> struct conditional<false, T, F> { typedef F type; };
template <bool B, class T, class F> using conditional_t = typename conditional<B, T, F>::type;
template <bool B, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { typedef T type; };
template <bool B, class T = void> using enable_if_t = typename enable_if<B, T>::type;
template <class A, class B> struct is_same { static constexpr bool value = false; };
template <class A> struct is_same<A, A> { static constexpr bool value = true; };
template <class A, class B> constexpr bool is_same_v = is_same<A, B>::value;
}  // namespace std

// The library's load address, so that a fault's address becomes a line.
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], etext[];
