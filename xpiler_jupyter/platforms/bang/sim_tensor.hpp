// Layout changes, pooling, matrix product, perceptron and convolution. XRT_WRAM_ROW_MAJOR chooses the weights' layout.
#pragma once

namespace bang {
template <class T, class F> inline void rearrange(T* d, const T* s, uint_ h, uint_ w, F f) {  // d[k] = s[f(k)]
  for (uint_ k = 0; k < h * w; k++) d[k] = s[f(k)]; }
template <class T> void transpose(T* d, const T* s, uint_ h, uint_ w) {
  rearrange(d, s, h, w, [=](uint_ k) { return k % h * w + k / h; }); }
template <class T> void rotate90(T* d, const T* s, uint_ h, uint_ w) {
  rearrange(d, s, h, w, [=](uint_ k) { return (h - 1 - k % h) * w + k / h; }); }
template <class T> void rotate180(T* d, const T* s, uint_ h, uint_ w) {
  rearrange(d, s, h, w, [=](uint_ k) { return h * w - 1 - k; }); }
template <class T> void rotate270(T* d, const T* s, uint_ h, uint_ w) {
  rearrange(d, s, h, w, [=](uint_ k) { return k % h * w + (w - 1 - k / h); }); }
template <class T> void mirror(T* d, const T* s, uint_ h, uint_ w) {
  rearrange(d, s, h, w, [=](uint_ k) { return k / w * w + (w - 1 - k % w); }); }
template <class T> void pad(T* d, const T* s, uint_ c, uint_ h, uint_ w, uint_ top, uint_ bottom, uint_ left, uint_ right,
                            T v = (T)0) {
  uint_ row = (left + w + right) * c;
  for (uint_ k = 0; k < (top + h + bottom) * row; k++) d[k] = v;
  for (uint_ i = 0; i < h; i++) memcpy((void*)(d + (top + i) * row + left * c), s + i * w * c, w * c * sizeof(T)); }
template <class T> void reshape_nchw2nhwc(T* d, const T* s, uint_ n, uint_ h, uint_ w, uint_ c) {
  for (uint_ i = 0; i < n; i++) transpose(d + i * c * h * w, s + i * c * h * w, c, h * w); }
template <class T> void reshape_nhwc2nchw(T* d, const T* s, uint_ n, uint_ h, uint_ w, uint_ c) {
  for (uint_ i = 0; i < n; i++) transpose(d + i * c * h * w, s + i * c * h * w, h * w, c); }
template <class T> void reshape_filter(T* d, const T* s, uint_ n, uint_ h, uint_ w, uint_ c) {
  memcpy((void*)d, s, (size_t)n * h * w * c * sizeof(T)); }

enum Pool { SUM, MEAN, MAX, MIN, MAX_AT, MIN_AT };
template <Pool P, class D, class S>
void pool(D* d, const S* s, uint_ c, uint_ h, uint_ w, uint_ kh, uint_ kw, uint_ sw, uint_ sh) {
  for (const S* row = s; row + (size_t)(kh - 1) * w * c < s + (size_t)h * w * c; row += (size_t)sh * w * c)
    for (uint_ x = 0; x + kw <= w; x += sw)
      for (uint_ ch = 0; ch < c; ch++) {
        const S* window = row + (size_t)x * c + ch;
        float total = 0.0f;
        S best = *window;
        uint_ at = 0;
        for (uint_ k = 0; k < kh * kw; k++) {
          S v = window[((size_t)(k / kw) * w + k % kw) * c];
          total += (float)v;
          if ((best != best && v == v) || (P == MAX || P == MAX_AT ? best < v : v < best)) best = v, at = k;
        }
        if constexpr (P == SUM) *d++ = (D)total;
        else if constexpr (P == MEAN) *d++ = (D)(total / (float)(kh * kw));
        else if constexpr (P == MAX || P == MIN) *d++ = best;
        else *d++ = (D)at;
      } }
template <Pool P, class D, class S> void pool(D* d, const S* s, uint_ c, uint_ h, uint_ w, uint_ kh, uint_ kw) {
  pool<P>(d, s, c, h, w, kh, kw, kw, kh); }

// Products of integers are summed exactly, of floats in float; the scale of fixed-point numbers comes last.
template <class T> using Acc = std::conditional_t<is_float<T>, float, long long>;
template <class D, class A> inline D scaled(A sum, int fix, float bias) {
  if constexpr (std::is_same_v<A, float>) return (D)sum;
  else return (D)((float)ldexp((double)(float)sum, fix) + bias);
}
template <class A, class B> inline Acc<A> dot(const A* a, const B* b, uint_ n, uint_ step) {
  Acc<A> sum = 0;
  for (uint_ k = 0; k < n; k++, b += step) sum += (Acc<A>)a[k] * (Acc<A>)*b;
  return sum;
}
template <class D, class A, class B>
void matmul(D* d, const A* a, const B* b, const D* bias, uint_ m, uint_ k, uint_ n, int fix) {
  for (uint_ i = 0; i < m; i++)
    for (uint_ j = 0; j < n; j++) {
      auto sum = XRT_WRAM_ROW_MAJOR ? dot(a + i * k, b + j, k, n) : dot(a + i * k, b + j * k, k, 1);
      d[i * n + j] = scaled<D>(sum, fix, bias ? (float)bias[i * n + j] : 0.0f);
    } }
template <class D, class A, class B> void matmul(D* d, const A* a, const B* b, uint_ m, uint_ k, uint_ n, int fix = 0) {
  matmul(d, a, b, (const D*)0, m, k, n, fix); }
template <class D, class A, class B> void mlp(D* d, const A* a, const D* bias, const B* f, int h, int w, int fix) {
  if (XRT_WRAM_ROW_MAJOR) matmul(d, a, f, bias, 1u, (uint_)h, (uint_)w, fix);
  else
    for (int i = 0; i < h; i++) d[i] = scaled<D>(dot(a, f + i * w, (uint_)w, 1), fix, bias ? (float)bias[i] : 0.0f); }
template <class D, class A, class B> void mlp(D* d, const A* a, const B* f, int h, int w, int fix = 0) {
  mlp(d, a, (const D*)0, f, h, w, fix); }
template <class D, class A, class B>
void conv(D* d, const A* s, const B* f, const D* bias, uint_ ci, uint_ h, uint_ w, uint_ kh, uint_ kw, uint_ sw, uint_ sh,
          uint_ co, int fix) {
  for (uint_ y = 0; y + kh <= h; y += sh)
    for (uint_ x = 0; x + kw <= w; x += sw)
      for (uint_ o = 0; o < co; o++) {
        Acc<A> sum = 0;
        const B* g = f + (size_t)o * kh * kw * ci;
        for (uint_ r = 0; r < kh; r++) {
          const A* line = s + ((size_t)(y + r) * w + x) * ci;
          for (uint_ k = 0; k < kw * ci; k++) sum += (Acc<A>)line[k] * (Acc<A>)*g++;
        }
        *d++ = scaled<D>(sum, fix, bias ? (float)bias[o] : 0.0f);
      } }
template <class D, class A, class B>
void conv(D* d, const A* s, const B* f, uint_ ci, uint_ h, uint_ w, uint_ kh, uint_ kw, uint_ sw, uint_ sh, uint_ co,
          int fix = 0) {
  conv(d, s, f, (const D*)0, ci, h, w, kh, kw, sw, sh, co, fix); }
}  // namespace bang
