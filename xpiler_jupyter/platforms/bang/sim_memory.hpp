// Address spaces, what an operand must satisfy, copies at once and later.
#pragma once

extern "C" {
__attribute__((weak, visibility("hidden"))) extern char __start_xrt_nram[], __stop_xrt_nram[];
__attribute__((weak, visibility("hidden"))) extern char __start_xrt_wram[], __stop_xrt_wram[];
__attribute__((weak, visibility("hidden"))) extern char __start_xrt_sram[], __stop_xrt_sram[];
__attribute__((visibility("hidden"))) extern char _end[];
}

namespace xrt {
enum { kInstr = 16 };  // a fault whose text begins with its kind: "bounds: ..."
enum Memory : unsigned { GDRAM = 1, LDRAM = 2, SRAM = 4, NRAM = 8, WRAM = 16, HOST = 32 };

template <class T> struct same_type { typedef T type; };
template <class T> using as = typename same_type<T>::type;
template <class T, class... C> inline constexpr bool one_of = (std::is_same_v<T, C> || ...);
template <class T, class... C> using only = std::enable_if_t<one_of<T, C...>, int>;

struct Say {  // no libc here: a sentence put together by hand
  char text[250];
  unsigned n = 0;
  Say& operator<<(const char* s) {
    while (*s && n < sizeof text - 1) text[n++] = *s++;
    text[n] = 0;
    return *this;
  }
  Say& operator<<(unsigned long long v) {
    char d[24];
    int k = 0;
    do d[k++] = (char)('0' + v % 10); while (v /= 10);
    while (k && n < sizeof text - 1) text[n++] = d[--k];
    text[n] = 0;
    return *this;
  }
};

inline const char* memory_name(unsigned m) {
  return m == GDRAM ? "GDRAM" : m == LDRAM ? "LDRAM" : m == SRAM ? "SRAM" : m == NRAM ? "NRAM" : m == WRAM ? "WRAM" : "host memory";
}

struct Place { unsigned memory; const char *lo, *hi, *name; };
inline Place place_of(const void* p) {
  const char* x = (const char*)p;
  if (x >= __start_xrt_nram && x < __stop_xrt_nram) return {NRAM, __start_xrt_nram, __stop_xrt_nram, 0};
  if (x >= __start_xrt_wram && x < __stop_xrt_wram) return {WRAM, __start_xrt_wram, __stop_xrt_wram, 0};
  if (x >= __start_xrt_sram && x < __stop_xrt_sram) return {SRAM, __start_xrt_sram, __stop_xrt_sram, 0};
  Control* c = xrt_control;
  for (unsigned i = 0; i < c->nallocs; i++) {
    Alloc& a = c->allocs[i];
    if (a.space != kFreed && (xrt_u64)x >= a.lo && (xrt_u64)x <= a.hi)
      return {a.space == kDevice || a.space == kManaged ? (unsigned)GDRAM : (unsigned)HOST, (const char*)a.lo,
              (const char*)a.hi, a.name};
  }
  if (x >= __ehdr_start && x < _end) return {GDRAM, x, _end, 0};  // a constant of the text
  return {LDRAM, 0, (const char*)~0ull, 0};
}

struct Operand { const char* name; const char* at; xrt_u64 bytes; bool write; };

// A copy that was started and not yet waited for.
struct Copy {
  char* dst;
  const char* src;
  unsigned size, dn1, dn2, sn1, sn2;
  long long ds0, ds1, ss0, ss1;
  unsigned fill;  // bytes of `pattern` that repeat, 0: a copy
  unsigned char pattern[4];
  unsigned pipe;
  int line;
};
enum { kIo = 1, kMove = 2, kCompute = 4 };
struct Queue { Copy list[128]; unsigned n = 0; };
static Queue* queue;

inline void extent(long long& lo, long long& hi, unsigned size, long long s0, unsigned n1, long long s1, unsigned n2) {
  long long a = s0 * n1, b = s1 * n2;
  lo = (a < 0 ? a : 0) + (b < 0 ? b : 0);
  hi = (a > 0 ? a : 0) + (b > 0 ? b : 0) + size;
}
static __attribute__((noinline)) void perform(const Copy& c) {
  unsigned total = (c.dn1 + 1) * (c.dn2 + 1);
  for (unsigned k = 0; k < total; k++) {
    char* d = c.dst + (long long)(k / (c.dn1 + 1)) * c.ds1 + (long long)(k % (c.dn1 + 1)) * c.ds0;
    if (c.fill) {
      for (unsigned i = 0; i < c.size; i++) d[i] = (char)c.pattern[i % c.fill];
    } else {
      const char* s = c.src + (long long)(k / (c.sn1 + 1)) * c.ss1 + (long long)(k % (c.sn1 + 1)) * c.ss0;
      memmove(d, s, c.size);
    }
  }
}
inline void finish(unsigned pipes) {
  unsigned kept = 0;
  for (unsigned i = 0; i < queue->n; i++)
    if (queue->list[i].pipe & pipes) perform(queue->list[i]);
    else queue->list[kept++] = queue->list[i];
  queue->n = kept;
}
inline void spans(const Copy& c, const char*& dlo, const char*& dhi, const char*& slo, const char*& shi) {
  long long a, b;
  extent(a, b, c.size, c.ds0, c.dn1, c.ds1, c.dn2);
  dlo = c.dst + a, dhi = c.dst + b;
  extent(a, b, c.size, c.ss0, c.sn1, c.ss1, c.sn2);
  slo = c.fill ? 0 : c.src + a, shi = c.fill ? 0 : c.src + b;
}

// One call of an intrinsic: every check names it and the operand.
struct Call {
  const char* name;
  int line;
  Operand list[6];
  int n = 0;

  [[noreturn]] __attribute__((noinline)) void fail(const char* kind, Say& s) const {
    Say all;
    all << kind << ": " << name << ": " << s.text;
    xrt_fault(kInstr, line, all.text);
  }
  void rule(bool ok, const char* why) const {
    if (__builtin_expect(!ok, 0)) {
      Say s;
      s << why;
      fail("operand", s);
    }
  }
  // `room`: bytes from the address to the end of its array where the compiler knows them.
  __attribute__((noinline)) void operand(const char* what, const void* p, xrt_u64 room, xrt_u64 bytes, unsigned memory,
                                         bool write, unsigned align, unsigned pipe = 0) {
    const char* x = (const char*)p;
    Say s;
    if (bytes > room) {  // known only when the array is: `room` is all ones otherwise
      s << (write ? "writes " : "reads ") << bytes << " bytes of " << what << ", its array has " << room << " left there";
      fail("bounds", s);
    }
    Place at = place_of(p);
    if (!(at.memory & memory)) {
      s << what << " must lie in " << memory_name(memory) << ", it lies in " << memory_name(at.memory);
      if (at.name && at.name[0]) s << " ('" << at.name << "')";
      fail("operand", s);
    }
    xrt_u64 left = at.memory == LDRAM && at.lo == 0 ? ~0ull : (xrt_u64)(at.hi - x);
    if (bytes > left) {
      s << (write ? "writes " : "reads ") << bytes << " bytes of " << what << ", " << (at.name ? "the buffer" : memory_name(at.memory)) << " has " << left << " left there";
      if (at.name && at.name[0]) s << " ('" << at.name << "')";
      fail("bounds", s);
    }
    if (align > 1 && (xrt_u64)x % align) {
      s << "the address of " << what << " must be " << (xrt_u64)align << "-byte aligned";
      fail("operand", s);
    }
    if (queue && queue->n) pending(what, x, x + bytes, write, pipe);
    list[n++] = {what, x, bytes, write};
  }
  __attribute__((noinline)) void pending(const char* what, const char* lo, const char* hi, bool write, unsigned pipe) const {
    for (unsigned i = 0; i < queue->n; i++) {
      const Copy& c = queue->list[i];
      if (c.pipe & pipe) continue;  // one queue keeps its order
      const char *dlo, *dhi, *slo, *shi;
      spans(c, dlo, dhi, slo, shi);
      bool target = lo < dhi && dlo < hi, source = write && lo < shi && slo < hi;
      if (!target && !source) continue;
      Say s;
      s << (write ? "writes " : "reads ") << what << ", which the asynchronous copy of line " << (xrt_u64)c.line
        << (target ? " may still write" : " may still read") << ": nothing waits for it in between";
      fail("race", s);
    }
  }
  // mode 0: outputs apart from everything; 1: they may begin where a source begins.
  __attribute__((noinline)) void overlap(int mode) const {
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        const Operand &a = list[i], &b = list[j];
        if (!a.write || i == j || (b.write && j < i) || a.at >= b.at + b.bytes || b.at >= a.at + a.bytes) continue;
        if (mode == 1 && a.at == b.at) continue;
        Say s;
        s << a.name << " overlaps " << b.name << (mode ? " without beginning at the same address" : "");
        fail("operand", s);
      }
  }
};
}  // namespace xrt
