// Matrix-core instructions of 64 lanes. Which lane holds what is the instruction's contract (AMD matrix instruction
// calculator): A and B by row and column = lane % M, D in groups of four rows.
#pragma once
namespace xrt {
template <int M, int K, int P, class A, class D> struct Mfma : Together {  // P: elements of A that a lane holds
  A a, b;
  D d;
  static float at(const A& v, int i) {
    if constexpr (P == 1) return (float)v;
    else return (float)v[i];
  }
  static void all(Together** lanes, int n) {
    static float a[M * K], b[K * M], s[M * M];
    for (int l = 0; l < n; l++) {
      Mfma* m = (Mfma*)lanes[l];
      for (int i = 0; i < P; i++) {
        int k = l / M * P + i;
        a[l % M * K + k] = at(m->a, i);
        b[k * M + l % M] = at(m->b, i);
      }
      for (int i = 0; i < M * M / 64; i++) s[row(l, i) * M + l % M] = m->d[i];
    }
    for (int r = 0; r < M; r++)
      for (int k = 0; k < K; k++)
        for (int c = 0; c < M; c++) s[r * M + c] += a[r * K + k] * b[k * M + c];
    for (int l = 0; l < n; l++)
      for (int i = 0; i < M * M / 64; i++) ((Mfma*)lanes[l])->d[i] = s[row(l, i) * M + l % M];
  }
  static int row(int l, int i) { return i / 4 * (256 / M) + l / M * 4 + i % 4; }
};
template <int M, int K, int P, class A, class D> inline D mfma(A a, A b, D d, int, int, int, XRT_AT) {
  Mfma<M, K, P, A, D> m;
  m.run = Mfma<M, K, P, A, D>::all;
  m.a = a;
  m.b = b;
  m.d = d;
  together(&m, xrt_line);
  return m.d;
}
}  // namespace xrt
#define __builtin_amdgcn_mfma_f32_16x16x16f16 xrt::mfma<16, 16, 4>
#define __builtin_amdgcn_mfma_f32_16x16x4f32 xrt::mfma<16, 4, 1>
#define __builtin_amdgcn_mfma_f32_32x32x8f16 xrt::mfma<32, 8, 4>
#define __builtin_amdgcn_mfma_f32_32x32x2f32 xrt::mfma<32, 2, 1>
