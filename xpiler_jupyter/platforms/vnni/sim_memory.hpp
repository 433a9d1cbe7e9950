// Loads, stores, constants, at one width.
#define X(s, T) \
  XRT_F R(T) F(loadu_##s)(const void* p) { return xrt::read<R(T)>(p); } \
  XRT_F R(T) F(load_##s)(const void* p) { return xrt::read<R(T)>(p); } \
  XRT_F void F(storeu_##s)(void* p, R(T) x) { xrt::write(p, x); } \
  XRT_F void F(store_##s)(void* p, R(T) x) { xrt::write(p, x); } \
  XRT_F void F(stream_##s)(void* p, R(T) x) { xrt::write(p, x); } \
  XRT_F R(T) F(mask_loadu_##s)(R(T) s, K(T) k, const void* p) { return xrt::read_some<T>(s, k, p); } \
  XRT_F R(T) F(mask_load_##s)(R(T) s, K(T) k, const void* p) { return xrt::read_some<T>(s, k, p); } \
  XRT_F R(T) F(maskz_loadu_##s)(K(T) k, const void* p) { return xrt::read_some<T>(R(T){}, k, p); } \
  XRT_F R(T) F(maskz_load_##s)(K(T) k, const void* p) { return xrt::read_some<T>(R(T){}, k, p); } \
  XRT_F void F(mask_storeu_##s)(void* p, K(T) k, R(T) x) { xrt::write_some<T>(p, k, x); } \
  XRT_F void F(mask_store_##s)(void* p, K(T) k, R(T) x) { xrt::write_some<T>(p, k, x); } \
  XRT_F R(T) F(mask_mov_##s)(R(T) s, K(T) k, R(T) x) { return xrt::pick<T>(s, k, x); } \
  XRT_F R(T) F(maskz_mov_##s)(K(T) k, R(T) x) { return xrt::pick<T>(R(T){}, k, x); } \
  XRT_F R(T) F(mask_blend_##s)(K(T) k, R(T) x, R(T) y) { return xrt::pick<T>(x, k, y); } \
  template <class... A> XRT_H R(T) F(set_##s)(A... e) { \
    static_assert(sizeof...(A) == N(T), "one value per lane"); \
    T v[] = {(T)e...}, r[N(T)]; \
    for (int i = 0; i < N(T); i++) r[i] = v[N(T) - 1 - i]; \
    return xrt::read<R(T)>(r); } \
  template <class... A> XRT_H R(T) F(setr_##s)(A... e) { \
    static_assert(sizeof...(A) == N(T), "one value per lane"); \
    T v[] = {(T)e...}; \
    return xrt::read<R(T)>(v); } \
  XRT_F R(T) F(set1_##s)(T e) { \
    return (R(T))(V(xrt::same_int<T>){} + xrt::bits<xrt::same_int<T>>(e)); } \
  XRT_F R(T) F(mask_set1_##s)(R(T) s, K(T) k, T e) { return xrt::pick<T>(s, k, F(set1_##s)(e)); } \
  XRT_F R(T) F(maskz_set1_##s)(K(T) k, T e) { return xrt::pick<T>(R(T){}, k, F(set1_##s)(e)); }
EACH(X)
#undef X
XRT_F VS F(setzero_ps)() { return VS{}; }
XRT_F VD F(setzero_pd)() { return VD{}; }
XRT_F VI SI(setzero_si)() { return VI{}; }
XRT_F VS F(undefined_ps)() { return VS{}; }
XRT_F VD F(undefined_pd)() { return VD{}; }
XRT_F VI SI(loadu_si)(const void* p) { return xrt::read<VI>(p); }
XRT_F VI SI(load_si)(const void* p) { return xrt::read<VI>(p); }
XRT_F void SI(storeu_si)(void* p, VI x) { xrt::write(p, x); }
XRT_F void SI(store_si)(void* p, VI x) { xrt::write(p, x); }
XRT_F void SI(stream_si)(void* p, VI x) { xrt::write(p, x); }
XRT_F VI SI(stream_load_si)(const void* p) { return xrt::read<VI>(p); }
#if XRT_B < 64
XRT_F VI SI(lddqu_si)(const void* p) { return xrt::read<VI>(p); }
XRT_F VI SI(undefined_si)() { return VI{}; }
template <class... A> XRT_H VI F(set_epi64x)(A... e) { return F(set_epi64)(e...); }
template <class... A> XRT_H VI F(setr_epi64x)(A... e) { return F(setr_epi64)(e...); }
XRT_F VI F(set1_epi64x)(long long e) { return F(set1_epi64)(e); }
#define X(s, T, I) \
  XRT_F R(T) F(maskload_##s)(const void* p, VI m) { return xrt::read_some<T>(R(T){}, xrt::gather_bits<T, XRT_B>(m), p); } \
  XRT_F void F(maskstore_##s)(void* p, VI m, R(T) x) { xrt::write_some<T>(p, xrt::gather_bits<T, XRT_B>(m), x); }
X(ps, float, int) X(pd, double, int64_t) X(epi32, int, int) X(epi64, int64_t, int64_t)
#undef X
#else
XRT_F VI F(undefined_epi32)() { return VI{}; }
XRT_F VI F(setzero_epi32)() { return VI{}; }
XRT_F VS F(setzero)() { return VS{}; }
#endif
#define XRT_INDEX(T) xrt::reg<int, (XRT_B * 4 / (int)sizeof(T) < 16 ? 16 : XRT_B * 4 / (int)sizeof(T))>
#define X(s, T) \
  XRT_F void F(mask_compressstoreu_##s)(void* p, K(T) k, R(T) x) { \
    char* q = (char*)p; \
    auto v = xrt::see<T>(x); \
    for (int i = 0; i < N(T); i++, k >>= 1) \
      if (k & 1) { T e = v[i]; __builtin_memcpy(q, &e, sizeof e); q += sizeof e; } } \
  XRT_F R(T) F(mask_expandloadu_##s)(R(T) s, K(T) k, const void* p) { \
    const char* q = (const char*)p; \
    T v[N(T)]; \
    xrt::write(v, s); \
    for (int i = 0; i < N(T); i++, k >>= 1) \
      if (k & 1) { __builtin_memcpy(v + i, q, sizeof *v); q += sizeof *v; } \
    return xrt::read<R(T)>(v); } \
  XRT_F R(T) F(maskz_expandloadu_##s)(K(T) k, const void* p) { return F(mask_expandloadu_##s)(R(T){}, k, p); } \
  XRT_F R(T) F(maskz_compress_##s)(K(T) k, R(T) x) { \
    T v[N(T)] = {}; \
    F(mask_compressstoreu_##s)(v, k, x); \
    return xrt::read<R(T)>(v); } \
  XRT_F R(T) F(maskz_expand_##s)(K(T) k, R(T) x) { return F(maskz_expandloadu_##s)(k, &x); } \
  XRT_F R(T) F(mmask_i32gather_##s)(R(T) s, K(T) k, XRT_INDEX(T) idx, const void* p, int scale) { \
    T v[N(T)]; \
    auto at = xrt::see<int>(idx); \
    xrt::write(v, s); \
    for (int i = 0; i < N(T); i++) \
      if (k >> i & 1) __builtin_memcpy(v + i, (const char*)p + (long)at[i] * scale, sizeof *v); \
    return xrt::read<R(T)>(v); } \
  XRT_F void F(mask_i32scatter_##s)(void* p, K(T) k, XRT_INDEX(T) idx, R(T) x, int scale) { \
    auto v = xrt::see<T>(x); \
    auto at = xrt::see<int>(idx); \
    for (int i = 0; i < N(T); i++) \
      if (k >> i & 1) { T e = v[i]; __builtin_memcpy((char*)p + (long)at[i] * scale, &e, sizeof e); } } \
  XRT_F void F(i32scatter_##s)(void* p, XRT_INDEX(T) idx, R(T) x, int scale) { \
    F(mask_i32scatter_##s)(p, (K(T))~0ull, idx, x, scale); }
X(ps, float) X(pd, double) X(epi32, int) X(epi64, int64_t)
#undef X
#if XRT_B < 64
#define X(s, T) XRT_F R(T) F(i32gather_##s)(const void* p, XRT_INDEX(T) idx, int scale) { \
  return F(mmask_i32gather_##s)(R(T){}, (K(T))~0ull, idx, p, scale); }
#else
#define X(s, T) \
  XRT_F R(T) F(i32gather_##s)(XRT_INDEX(T) idx, const void* p, int scale) { \
    return F(mmask_i32gather_##s)(R(T){}, (K(T))~0ull, idx, p, scale); } \
  XRT_F R(T) F(mask_i32gather_##s)(R(T) s, K(T) k, XRT_INDEX(T) idx, const void* p, int scale) { \
    return F(mmask_i32gather_##s)(s, k, idx, p, scale); }
#endif
X(ps, float) X(pd, double) X(epi32, int) X(epi64, int64_t)
#undef X
#undef XRT_INDEX
