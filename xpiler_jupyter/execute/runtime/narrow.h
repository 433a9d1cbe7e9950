// Rounding to bfloat16 and half where the compiler calls a library that is not there: it does so even to move vectors of
// bfloat16 about.
#pragma once
namespace xrt {
inline unsigned bits_of(float x) { unsigned r; __builtin_memcpy(&r, &x, 4); return r; }
inline float float_of(unsigned x) { float r; __builtin_memcpy(&r, &x, 4); return r; }
// To float with a sticky last bit: rounding the result once more to a type with fewer than 23 bits is then exact.
inline float to_odd(double x) {
  float f = (float)x;
  if ((double)f == x || x != x || f - f != 0.0f) {
    if (f - f != 0.0f && x - x == 0.0) return float_of(bits_of(f) - 1);  // finite, but too large for float
    return f;
  }
  unsigned b = bits_of(f);
  if ((double)f > x ? x > 0 : x < 0) b--;
  return float_of(b | 1);
}
inline unsigned short bf16_bits(float x) {
  unsigned b = bits_of(x);
  if (x != x) return (unsigned short)(b >> 16 | 0x40);
  return (unsigned short)((b + 0x7FFF + (b >> 16 & 1)) >> 16);
}
}  // namespace xrt
#ifdef __clang__
extern "C" {
__attribute__((weak, visibility("hidden"))) __bf16 __truncsfbf2(float x) {
  unsigned short b = xrt::bf16_bits(x);
  __bf16 r;
  __builtin_memcpy(&r, &b, 2);
  return r;
}
__attribute__((weak, visibility("hidden"))) __bf16 __truncdfbf2(double x) { return __truncsfbf2(xrt::to_odd(x)); }
__attribute__((weak, visibility("hidden"))) _Float16 __truncdfhf2(double x) { return (_Float16)xrt::to_odd(x); }
}
#endif
