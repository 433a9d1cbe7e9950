// Copies and fills: at once, or queued until a wait. What a queued copy will write reads as NaN until then.
#pragma once

namespace xrt {
inline void start(const Copy& c, bool later) {
  if (!later || queue->n == 128) finish(c.pipe);
  if (!later) return perform(c);
  const char *dlo, *dhi, *slo, *shi, *lo, *hi, *from, *to;
  spans(c, dlo, dhi, slo, shi);
  bool needed = false;  // an earlier copy still reads the place
  for (unsigned i = 0; i < queue->n; i++) {
    spans(queue->list[i], lo, hi, from, to);
    needed |= from < dhi && dlo < to;
  }
  if (!needed) {
    Copy blank = c;
    blank.fill = 1;
    blank.pattern[0] = 0xFF;
    perform(blank);
  }
  queue->list[queue->n++] = c;
}

inline void copy(Call& c, Copy m, mluMemcpyDirection_t dir, xrt_u64 dst_room, xrt_u64 src_room, bool later) {
#if !XRT_FLAT
  c.rule((unsigned)dir < sizeof kDirections / sizeof *kDirections, "no such direction");
  const Direction& d = kDirections[dir];
  m.pipe = d.pipe;
  if (!later) finish(m.pipe);  // one queue keeps its order
  copy_rules(c, dir, m.dst, m.src, m.size);
  long long lo, hi;
  extent(lo, hi, m.size, m.ds0, m.dn1, m.ds1, m.dn2);
  c.operand("dst", m.dst + lo, lo ? ~0ull : dst_room, (xrt_u64)(hi - lo), d.to, true, d.to == WRAM ? 8 : 1, m.pipe);
  extent(lo, hi, m.size, m.ss0, m.sn1, m.ss1, m.sn2);
  c.operand("src", m.src + lo, lo ? ~0ull : src_room, (xrt_u64)(hi - lo), d.from, false, d.from == WRAM ? 8 : 1, m.pipe);
  // Interleaved segments of one buffer may share a span without sharing a byte.
  if (m.dn1 == 0 && m.dn2 == 0) c.overlap(0);
#else
  m.pipe = kIo;
#endif
  start(m, later);
}

template <class V> struct fill_kind { typedef V type; };
template <> struct fill_kind<double> { typedef float type; };
template <> struct fill_kind<char> { typedef int8_t type; };
template <> struct fill_kind<unsigned> { typedef int type; };
template <> struct fill_kind<unsigned char> { typedef int8_t type; };
template <> struct fill_kind<unsigned short> { typedef short type; };
template <class V> using fill_of = typename fill_kind<V>::type;
template <class V> struct fills : std::enable_if<one_of<fill_of<V>, int8_t, short, half, bfloat16_t, float, int>, int> {};

template <class T> inline void fill(void* dst, T value, unsigned n, unsigned stride, unsigned segnum, unsigned pipe,
                                    bool later, int line) {
  Copy c{(char*)dst, 0, n * (unsigned)sizeof(T), segnum, 0, 0, 0, stride, 0, 0, 0, sizeof(T), {}, pipe, line};
  memcpy(c.pattern, &value, sizeof value);
  start(c, later);
}
}  // namespace xrt

#define XRT_COPY(NAME, later)                                                                                       \
  inline void NAME(void* const dst XRT_SIZED, const void* const src XRT_SIZED, unsigned size,                       \
                   mluMemcpyDirection_t dir, XRT_HERE) {                                                             \
    xrt::Call c{#NAME, xrt_line.n};                                                                                   \
    xrt::copy(c, {(char*)dst, (const char*)src, size, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}, 0, xrt_line.n}, dir,             \
              XRT_SIZE(dst), XRT_SIZE(src), later); }                                                               \
  inline void NAME(void* const dst XRT_SIZED, const void* const src XRT_SIZED, unsigned size,                       \
                   mluMemcpyDirection_t dir, unsigned dst_stride, int src_stride, unsigned segnum, XRT_HERE) {       \
    xrt::Call c{#NAME, xrt_line.n};                                                                                   \
    xrt::copy_rules2(c, size, dst_stride, src_stride, segnum);                                                      \
    xrt::copy(c, {(char*)dst, (const char*)src, size, segnum, 0, segnum, 0, dst_stride, 0, src_stride, 0, 0, {}, 0, \
                  xrt_line.n}, dir, XRT_SIZE(dst), XRT_SIZE(src), later); }                                           \
  inline void NAME(void* const dst XRT_SIZED, const void* const src XRT_SIZED, unsigned size,                       \
                   mluMemcpyDirection_t dir, int ds0, unsigned dn1, int ds1, unsigned dn2, int ss0, unsigned sn1,   \
                   int ss1, unsigned sn2, XRT_HERE) {                                                                \
    xrt::Call c{#NAME, xrt_line.n};                                                                                   \
    xrt::copy_rules3(c, size, ds0, dn1, ds1, dn2, ss0, sn1, ss1, sn2);                                              \
    xrt::copy(c, {(char*)dst, (const char*)src, size, dn1, dn2, sn1, sn2, ds0, ds1, ss0, ss1, 0, {}, 0, xrt_line.n},  \
              dir, XRT_SIZE(dst), XRT_SIZE(src), later); }
XRT_COPY(__memcpy, false)
XRT_COPY(__memcpy_async, true)
#undef XRT_COPY

namespace bang {
inline void move(void* d, const void* s, unsigned size) { memmove(d, s, size); }
inline void move(void* d, const void* s, unsigned size, unsigned ds, unsigned ss, unsigned segs) {
  for (unsigned k = 0; k <= segs; k++) memmove((char*)d + (xrt_u64)k * ds, (const char*)s + (xrt_u64)k * ss, size); }
}  // namespace bang
