// One width: XRT_P is the prefix, XRT_B the bytes of a register. Included once per width, hence no guard. Operands are
// x, y, z; as vectors of the lane type that a row names, a, b, c.
#define F(n) XRT_JOIN(XRT_P, n)
#define R(T) xrt::reg<T, XRT_B>
#define V(T) xrt::vec<T, XRT_B>
#define K(T) xrt::mask<T, XRT_B>
#define N(T) ((int)(XRT_B / sizeof(T)))
#if XRT_B == 16
#define SI(n) XRT_JOIN(F(n), 128)
#elif XRT_B == 32
#define SI(n) XRT_JOIN(F(n), 256)
#else
#define SI(n) XRT_JOIN(F(n), 512)
#endif
#define VI R(int)
#define VS R(float)
#define VD R(double)
// Rows: T the lanes of the operands, U of the result; E the value; ...M with masked forms.
#define ROW1(n, T, U, E) XRT_F R(U) F(n)(R(T) x) { V(T) a = (V(T))x; return (R(U))(E); }
#define ROW2(n, T, U, E) XRT_F R(U) F(n)(R(T) x, R(T) y) { V(T) a = (V(T))x, b = (V(T))y; return (R(U))(E); }
#define ROW1I(n, T, U, E) XRT_F R(U) F(n)(R(T) x, int imm) { V(T) a = (V(T))x; return (R(U))(E); }
#define ROW2I(n, T, U, E) XRT_F R(U) F(n)(R(T) x, R(T) y, int imm) { V(T) a = (V(T))x, b = (V(T))y; return (R(U))(E); }
#define M1(n, T, U) \
  XRT_F R(U) F(mask_##n)(R(U) s, K(U) k, R(T) x) { return xrt::pick<U>(s, k, F(n)(x)); } \
  XRT_F R(U) F(maskz_##n)(K(U) k, R(T) x) { return xrt::pick<U>(R(U){}, k, F(n)(x)); }
#define M2(n, T, S, U) \
  XRT_F R(U) F(mask_##n)(R(U) s, K(U) k, R(T) x, R(S) y) { return xrt::pick<U>(s, k, F(n)(x, y)); } \
  XRT_F R(U) F(maskz_##n)(K(U) k, R(T) x, R(S) y) { return xrt::pick<U>(R(U){}, k, F(n)(x, y)); }
#define M1I(n, T, U) \
  XRT_F R(U) F(mask_##n)(R(U) s, K(U) k, R(T) x, int imm) { return xrt::pick<U>(s, k, F(n)(x, imm)); } \
  XRT_F R(U) F(maskz_##n)(K(U) k, R(T) x, int imm) { return xrt::pick<U>(R(U){}, k, F(n)(x, imm)); }
#define ROW1M(n, T, U, E) ROW1(n, T, U, E) M1(n, T, U)
#define ROW2M(n, T, U, E) ROW2(n, T, U, E) M2(n, T, T, U)
#define ROW1IM(n, T, U, E) ROW1I(n, T, U, E) M1I(n, T, U)
#define PER(T, U, i, expr) ((V(U))xrt::build<U, XRT_B>([&](int i) { return expr; }))
#define EACH_INT(X) X(8, int8_t, uint8_t) X(16, int16_t, uint16_t) X(32, int32_t, uint32_t) X(64, int64_t, uint64_t)
#define EACH_FLOAT(X) X(ps, float) X(pd, double)
#define EACH(X) EACH_FLOAT(X) X(epi8, int8_t) X(epi16, int16_t) X(epi32, int32_t) X(epi64, int64_t)
#include "sim_memory.hpp"
#include "sim_arith.hpp"
#include "sim_integer.hpp"
#include "sim_convert.hpp"
#include "sim_shuffle.hpp"
#undef F
#undef R
#undef V
#undef K
#undef N
#undef SI
#undef VI
#undef VS
#undef VD
#undef ROW1
#undef ROW2
#undef ROW1I
#undef ROW2I
#undef M1
#undef M2
#undef M1I
#undef ROW1M
#undef ROW2M
#undef ROW1IM
#undef PER
#undef EACH_INT
#undef EACH_FLOAT
#undef EACH
#undef XRT_P
#undef XRT_B
