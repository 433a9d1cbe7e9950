// Tensor-core fragments (nvcuda::wmma) on the host. A lane holds every 32nd element of its matrix: a layout of ours, as
// CUDA leaves it open. Products are exact in the accumulator's width and added in ascending k.
#pragma once
namespace nvcuda {
namespace wmma {
struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };
namespace precision { struct tf32 {}; }

template <class U, int M, int N, int K> struct extent;
template <int M, int N, int K> struct extent<matrix_a, M, N, K> { enum { rows = M, columns = K }; };
template <int M, int N, int K> struct extent<matrix_b, M, N, K> { enum { rows = K, columns = N }; };
template <int M, int N, int K> struct extent<accumulator, M, N, K> { enum { rows = M, columns = N }; };
template <class T> struct held { typedef T type; };
template <> struct held<precision::tf32> { typedef float type; };

template <class U, int M, int N, int K, class T, class L = void> struct fragment {
  typedef typename held<T>::type element_type;
  enum { rows = extent<U, M, N, K>::rows, columns = extent<U, M, N, K>::columns, num_elements = rows * columns / 32 };
  element_type x[num_elements];
};

template <class F, class T> inline void fill_fragment(F& f, T v) {
  for (int i = 0; i < F::num_elements; i++) f.x[i] = (typename F::element_type)v;
}
template <class F, class T> inline void xrt_load(F& f, const T* p, unsigned ld, bool by_row) {
  for (int i = 0; i < F::num_elements; i++) {
    unsigned e = (unsigned)i * 32 + xrt::lane(), r = e / F::columns, c = e % F::columns;
    f.x[i] = p[by_row ? r * ld + c : c * ld + r];
  }
}
template <class U, int M, int N, int K, class T, class E>
inline void load_matrix_sync(fragment<U, M, N, K, T, row_major>& f, const E* p, unsigned ld) { xrt_load(f, p, ld, true); }
template <class U, int M, int N, int K, class T, class E>
inline void load_matrix_sync(fragment<U, M, N, K, T, col_major>& f, const E* p, unsigned ld) { xrt_load(f, p, ld, false); }
template <int M, int N, int K, class T>
inline void load_matrix_sync(fragment<accumulator, M, N, K, T>& f, const T* p, unsigned ld, layout_t l) {
  xrt_load(f, p, ld, l == mem_row_major);
}
template <int M, int N, int K, class T>
inline void store_matrix_sync(T* p, const fragment<accumulator, M, N, K, T>& f, unsigned ld, layout_t l) {
  for (int i = 0; i < (int)(M * N / 32); i++) {
    unsigned e = (unsigned)i * 32 + xrt::lane(), r = e / N, c = e % N;
    p[l == mem_row_major ? r * ld + c : c * ld + r] = f.x[i];
  }
}
// To the nearest, ties away from zero (PTX, cvt.rna.tf32.f32).
inline float __float_to_tf32(float x) {
  if (x != x) return x;
  unsigned b;
  __builtin_memcpy(&b, &x, 4);
  b = (b + 0x1000u) & ~0x1fffu;
  __builtin_memcpy(&x, &b, 4);
  return x;
}

template <class A, class B, class C> struct Mma : xrt::Together {
  const A* a;
  const B* b;
  const C* c;
  C* d;
  static void all(xrt::Together** lanes, int n) {
    typedef typename C::element_type T;
    typedef typename A::element_type E;
    constexpr bool whole = (T)0.5f == (T)0;
    typedef typename std::conditional_t<whole, int, std::conditional_t<std::is_same_v<T, double>, double, float>> W;
    enum { M = C::rows, N = C::columns, K = A::columns };
    static W a[M * K], b[K * N], s[M * N];
    for (int l = 0; l < n; l++) {
      Mma* m = (Mma*)lanes[l];
      for (int i = 0; i < A::num_elements; i++) a[i * 32 + l] = (W)(E)m->a->x[i];
      for (int i = 0; i < B::num_elements; i++) b[i * 32 + l] = (W)m->b->x[i];
      for (int i = 0; i < C::num_elements; i++) s[i * 32 + l] = (W)m->c->x[i];
    }
    for (int r = 0; r < M; r++)
      for (int k = 0; k < K; k++)
        for (int c = 0; c < N; c++) s[r * N + c] += a[r * K + k] * b[k * N + c];
    for (int l = 0; l < n; l++)
      for (int i = 0; i < C::num_elements; i++) ((Mma*)lanes[l])->d->x[i] = (T)s[i * 32 + l];
  }
};
template <class A, class B, class C> inline void mma_sync(C& d, const A& a, const B& b, const C& c, XRT_AT) {
  Mma<A, B, C> m;
  m.run = Mma<A, B, C>::all;
  m.a = &a;
  m.b = &b;
  m.c = &c;
  m.d = &d;
  xrt::together(&m, xrt_line);
}
}  // namespace wmma
}  // namespace nvcuda
using namespace nvcuda;
