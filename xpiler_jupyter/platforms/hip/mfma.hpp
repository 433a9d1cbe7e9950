// Matrix-core instructions of 64 lanes. Which lane holds what is the instruction's contract (AMD matrix instruction
// calculator): A and B by row and column = lane % M, D in groups of four rows. Products are added in ascending k, in the
// accumulator's width.
#pragma once
namespace xrt {
// How a register gives the elements that it holds.
struct One { template <class V> static V at(V v, int) { return v; } };
struct Some { template <class V> static float at(const V& v, int i) { return (float)v[i]; } };
struct Bytes { template <class V> static int at(V v, int i) { return (signed char)(v >> 8 * i); } };
struct Brain {
  template <class V> static float at(const V& v, int i) {
    unsigned bits = (unsigned)(unsigned short)v[i] << 16;
    float x;
    __builtin_memcpy(&x, &bits, 4);
    return x;
  }
};
// M x M products of depth K, N of them at once; P elements of A per lane; S is what an element of D is.
template <int M, int K, int N, int P, class H, class S, class A, class D> struct Mfma : Together {
  enum { R = M * M / 64, L = 64 / N };  // registers of D for one product; lanes that hold one A
  A a, b;
  D d;
  static void all(Together** lanes, int n) {
    static S a[M * K], b[K * M], s[M * M];
    for (int p = 0; p < N; p++) {
      for (int l = p * L; l < (p + 1) * L; l++) {
        Mfma* m = (Mfma*)lanes[l];
        for (int i = 0; i < P; i++) {
          int k = l % L / M * P + i;
          a[l % M * K + k] = (S)H::at(m->a, i);
          b[k * M + l % M] = (S)H::at(m->b, i);
        }
      }
      for (int l = 0; l < n; l++)
        for (int i = 0; i < R; i++) s[row(l, i) * M + l % M] = ((Mfma*)lanes[l])->d[p * R + i];
      for (int r = 0; r < M; r++)
        for (int k = 0; k < K; k++)
          for (int c = 0; c < M; c++) s[r * M + c] += a[r * K + k] * b[k * M + c];
      for (int l = 0; l < n; l++)
        for (int i = 0; i < R; i++) ((Mfma*)lanes[l])->d[p * R + i] = s[row(l, i) * M + l % M];
    }
  }
  static int row(int l, int i) {
    return std::is_same_v<S, double> ? i * 4 + l / M : i / 4 * (256 / M) + l / M * 4 + i % 4;
  }
};
template <int M, int K, int N, int P, class H, class S, class A, class D>
inline D mfma(A a, A b, D d, int cbsz, int abid, int blgp, XRT_AT) {
  if (cbsz | abid | blgp) xrt_fault(kAssert, xrt_line, "an MFMA that broadcasts or negates is not simulated");
  Mfma<M, K, N, P, H, S, A, D> m;
  m.run = Mfma<M, K, N, P, H, S, A, D>::all;
  m.a = a;
  m.b = b;
  m.d = d;
  together(&m, xrt_line);
  return m.d;
}
}  // namespace xrt
#define __builtin_amdgcn_mfma_f32_16x16x4f32 xrt::mfma<16, 4, 1, 1, xrt::One, float>
#define __builtin_amdgcn_mfma_f32_32x32x2f32 xrt::mfma<32, 2, 1, 1, xrt::One, float>
#define __builtin_amdgcn_mfma_f32_16x16x1f32 xrt::mfma<16, 1, 4, 1, xrt::One, float>
#define __builtin_amdgcn_mfma_f32_32x32x1f32 xrt::mfma<32, 1, 2, 1, xrt::One, float>
#define __builtin_amdgcn_mfma_f32_16x16x16f16 xrt::mfma<16, 16, 1, 4, xrt::Some, float>
#define __builtin_amdgcn_mfma_f32_32x32x8f16 xrt::mfma<32, 8, 1, 4, xrt::Some, float>
#define __builtin_amdgcn_mfma_f32_16x16x4f16 xrt::mfma<16, 4, 4, 4, xrt::Some, float>
#define __builtin_amdgcn_mfma_f32_32x32x4f16 xrt::mfma<32, 4, 2, 4, xrt::Some, float>
#define __builtin_amdgcn_mfma_f32_16x16x16bf16_1k xrt::mfma<16, 16, 1, 4, xrt::Brain, float>
#define __builtin_amdgcn_mfma_f32_32x32x8bf16_1k xrt::mfma<32, 8, 1, 4, xrt::Brain, float>
#define __builtin_amdgcn_mfma_i32_16x16x16i8 xrt::mfma<16, 16, 1, 4, xrt::Bytes, int>
#define __builtin_amdgcn_mfma_i32_32x32x8i8 xrt::mfma<32, 8, 1, 4, xrt::Bytes, int>
#define __builtin_amdgcn_mfma_i32_16x16x32_i8 xrt::mfma<16, 32, 1, 8, xrt::Bytes, int>
#define __builtin_amdgcn_mfma_i32_32x32x16_i8 xrt::mfma<32, 16, 1, 8, xrt::Bytes, int>
#define __builtin_amdgcn_mfma_f64_16x16x4f64 xrt::mfma<16, 4, 1, 1, xrt::One, double>
