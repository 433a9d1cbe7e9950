// Cores as fibres: who owns the simulated NRAM, WRAM and SRAM at the moment, waits, launches.
#pragma once

namespace xrt {
enum { kCores = 64, kClusters = 16 };
struct Region { char *lo, *hi; };
inline Region nram() { return {__start_xrt_nram, __stop_xrt_nram}; }
inline Region wram() { return {__start_xrt_wram, __stop_xrt_wram}; }
inline Region sram() { return {__start_xrt_sram, __stop_xrt_sram}; }
inline xrt_u64 bytes(Region r) { return r.lo ? (xrt_u64)(r.hi - r.lo) : 0; }

static int core_owner = -1, sram_owner = -1;
static bool core_alive[kCores], sram_kept[kClusters], swapping;
static char *core_store[kCores], *sram_store[kClusters];

inline void keep(char*& store, Region a, Region b, bool out) {
  xrt_u64 n = bytes(a), m = bytes(b);
  if (n + m == 0) return;
  if (!store) store = (char*)malloc(n + m);
  if (n) out ? memcpy(store, a.lo, n) : memcpy(a.lo, store, n);
  if (m) out ? memcpy(store + n, b.lo, m) : memcpy(b.lo, store + n, m);
}
// NaNs; in a run in the other order ordinary numbers, so that a result which hangs on what was there before shows.
static int blank = 0xFF;
inline void poison(Region r) { if (r.lo) memset(r.lo, blank, bytes(r)); }

// Brings this core's memories to where the program's addresses point.
static __attribute__((noinline)) void enter(bool fresh) {
  int core = (int)(clusterId * coreDim + coreId), cluster = (int)clusterId;
  if (core_owner != core) {
    if (swapping && core_owner >= 0 && core_alive[core_owner]) keep(core_store[core_owner], nram(), wram(), true);
    if (!fresh) keep(core_store[core], nram(), wram(), false);
    core_owner = core;
  }
  if (fresh) poison(nram()), poison(wram()), core_alive[core] = true;
  if (sram_owner != cluster) {
    if (swapping && sram_owner >= 0) keep(sram_store[sram_owner], sram(), Region{}, true), sram_kept[sram_owner] = true;
    if (sram_kept[cluster]) keep(sram_store[cluster], sram(), Region{}, false);
    else poison(sram());
    sram_owner = cluster;
  }
}
inline void forget() {
  core_owner = sram_owner = -1;
  for (bool& b : core_alive) b = false;
  for (bool& b : sram_kept) b = false;
}

struct Wait {  // around everything that lets other cores run
  unsigned x = taskIdX, y = taskIdY, z = taskIdZ, id = taskId, cl = clusterId, co = coreId;
  Queue* q = queue;
  Wait() { finish(kIo | kMove | kCompute); }
  ~Wait() {
    taskIdX = x, taskIdY = y, taskIdZ = z, taskId = id, clusterId = cl, coreId = co;
    queue = q;
    enter(false);
  }
};

struct Config { unsigned jobs, y, z, cores, clusters; int line; };
inline Config config_of_run() {
  Control* c = xrt_control;
  blank = c->reverse ? 0x3C : 0xFF;
  return {c->grid[0], c->grid[1], c->grid[2], c->block[0], c->block[1], 0};
}

static unsigned long long job_now;
template <class B> void one_task(void* body, const unsigned* b, const unsigned* t) {
  unsigned long long job = 1 + b[0] + ((unsigned long long)b[1] << 24) + ((unsigned long long)b[2] << 44);
  if (job != job_now) forget(), job_now = job;
  coreId = t[0], clusterId = t[1];
  taskIdX = (b[0] * clusterDim + clusterId) * coreDim + coreId;
  taskIdY = b[1], taskIdZ = b[2];
  taskId = (taskIdZ * taskDimY + taskIdY) * taskDimX + taskIdX;
  Queue q;
  queue = &q;
  enter(true);
  (*(B*)body)();
  finish(kIo | kMove | kCompute);
  core_alive[clusterId * coreDim + coreId] = false;
}

template <int N> struct Shared { Region list[N + 1]; };
template <bool Sync, class F> struct Launch {
  F kernel;
  Config c;
  void check() {
    bool union_ = c.cores == 4 && c.clusters <= kClusters && c.clusters && (c.clusters & (c.clusters - 1)) == 0;
    if (!(c.cores == 1 && c.clusters == 1) && !union_) {
      Say s;
      s << "a job of " << c.clusters << " clusters x " << c.cores << " cores: Block has 1 x 1, a union 1, 2, 4, 8 or 16 x 4";
      xrt_fault(kLaunch, c.line, s.text);
    }
    const xrt_u64 kept = 128 << 10;  // the compiler's own share of NRAM and SRAM
    const struct { const char* word; xrt_u64 used, most; } all[] = {
        {"__nram__", bytes(nram()), (xrt_u64)__MLU_NRAM_SIZE__ * 1024 - kept},
        {"__wram__", bytes(wram()), (xrt_u64)__MLU_WRAM_SIZE__ * 1024},
        {"__mlu_shared__", bytes(sram()), (xrt_u64)__MLU_SRAM_SIZE__ * 1024 - kept}};
    for (auto& m : all)
      if (!XRT_FLAT && m.used > m.most) {
        Say s;
        s << m.word << " arrays take " << m.used << " bytes, a program may use " << m.most << " on mtp_"
          << (xrt_u64)__BANG_ARCH__;
        xrt_fault(kCapacity, c.line, s.text);
      }
  }
  template <class... A> void operator()(A... a) {
    check();
    Geometry g{{c.jobs, c.y, c.z}, {c.cores, c.clusters, 1}, {1, 1, 1}, 0, 1, 1, c.line};
    coreDim = c.cores, clusterDim = c.clusters;
    taskDimX = c.jobs * c.cores * c.clusters, taskDimY = c.y, taskDimZ = c.z;
    taskDim = taskDimX * taskDimY * taskDimZ;
    xrt_launch_begin(&g, 0, 0, 1);
    forget();
    job_now = 0;
    swapping = Sync;
    auto body = [&] { kernel(a...); };
    xrt_blocks(&g, 0, 0, Sync, 32, one_task<decltype(body)>, &body);
    for (char*& p : core_store) free(p), p = 0;
    for (char*& p : sram_store) free(p), p = 0;
    xrt_launch_end();
  }
};
template <bool Sync, int N, class F> Launch<Sync, F> launch(F f, Shared<N>, Config c) { return {f, c}; }

inline int meeting(int line) { return XRT_FLAT ? 0 : line; }  // strict: all cores meet at one call
}  // namespace xrt

inline void __sync() { xrt::finish(xrt::kIo | xrt::kMove | xrt::kCompute); }
inline void __sync_io() { xrt::finish(xrt::kIo); }
inline void __sync_move() { xrt::finish(xrt::kMove); }
inline void __sync_compute() { xrt::finish(xrt::kCompute); }
inline void __sync_io_move_compute(bool io = true, bool move = true, bool compute = true, bool = true, bool = true,
                                   bool = true) {
  xrt::finish((io ? xrt::kIo : 0u) | (move ? xrt::kMove : 0u) | (compute ? xrt::kCompute : 0u));
}
inline void __sync_all(XRT_AT) { xrt::Wait w; xrt_barrier(0, 0, xrt::meeting(xrt_line)); }
inline void __sync_all_ipu(XRT_AT) { xrt::Wait w; xrt_barrier(0, 0, xrt::meeting(xrt_line)); }
inline void __sync_cluster(XRT_AT) {
  xrt::Wait w;
  unsigned first = clusterId * coreDim % 32;
  xrt_warp(XRT_SYNC, ((1ull << coreDim) - 1) << first, 0, 0, 0, xrt::meeting(xrt_line));
}
inline bool __is_ipu() { return true; }
__attribute__((unavailable("the simulator has no memory core: a kernel that asks for it cannot run here"))) bool __is_mpu();
inline bool __is_nram(const void* p) { return xrt::place_of(p).memory == xrt::NRAM; }
inline bool __is_wram(const void* p) { return xrt::place_of(p).memory == xrt::WRAM; }
inline bool __is_sram(const void* p) { return xrt::place_of(p).memory == xrt::SRAM; }
inline bool __is_dram(const void* p) { return (xrt::place_of(p).memory & (xrt::GDRAM | xrt::LDRAM)) != 0; }
