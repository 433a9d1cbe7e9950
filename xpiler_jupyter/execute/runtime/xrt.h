// What the compiled kernel, the runtime and the Python parent agree on. No system header: a kernel compiles without a
// libc. `Control` lies at offset 0 of the shared memory of one run; control.py packs and unpacks it by these offsets.
#pragma once
typedef __SIZE_TYPE__ xrt_size;
typedef unsigned long long xrt_u64;
typedef long long xrt_i64;

namespace xrt {

// One argument of the entry, in every form a parameter may take. It converts to whatever the function asks for, so that
// the compiler, not we, knows the calling convention.
struct Arg {
  void* p;
  xrt_i64 i;
  double d;
  template <class T> operator T*() const { return (T*)p; }
  template <class T> operator T() const { return (float)(T)0.5f != 0.0f ? (T)d : (T)i; }
};

enum Kind : unsigned {
  kNone, kSignal, kLaunch, kCapacity, kBarrier, kDeadlock, kCopy, kMemory, kForbidden, kCanary, kTimeout, kAssert, kExit,
  kLoad, kFree, kStackBits
};

enum Space : unsigned { kHost = 1, kDevice = 2, kManaged = 3, kShared = 4, kFreed = 5, kHeap = 6, kStack = 7 };

struct Alloc {  // one buffer: where it lies, and its pages
  xrt_u64 lo, hi, page_lo, page_hi;
  unsigned space, line;
  char name[40];
};

enum { kMaxArgs = 64, kMaxAllocs = 256 };

struct In {  // one argument as the parent describes it
  xrt_u64 pointer, offset, bytes, item;
  xrt_i64 i;
  double d;
  char name[40];
};

struct Control {
  // in
  unsigned grid[3], block[3];
  xrt_u64 dynamic, memory_limit, offset_bytes;
  unsigned direct, reverse, fast, max_blocks[3], nargs, align, gpu, spare;
  double time_limit;
  // out
  unsigned state, kind;  // state: 0 never started, 1 running, 2 done, 3 fault
  int line, line2;
  xrt_u64 pc, addr, image, a, b;
  unsigned signal, write, in_kernel, fast_fault;
  unsigned where_block[3], where_thread[3], where2[3], launches;
  double seconds;
  char text[256];
  unsigned nallocs, spare2;
  In args[kMaxArgs];
  Alloc allocs[kMaxAllocs];
};

struct Range { char *lo, *hi; };  // the static shared arrays of one function

// An operation of a whole warp: each lane brings its own record, `run` sees them all at once.
struct Together { void (*run)(Together** lanes, int n); };

struct Geometry {
  unsigned grid[3], block[3], run[3];  // run: how many blocks are really run per axis
  xrt_u64 dynamic, static_most, shared_most;  // bytes of shared memory: asked for, and what the device has
  int line;
};

}  // namespace xrt

extern "C" {
extern void* xrt_dynamic;    // dynamic shared memory of the running block
extern xrt_u64 xrt_opt_in;   // set by the platform's attribute call
extern xrt::Control* xrt_control;

// Checks a launch, gives the kernel its memory view; returns 1 for the plain (vectorised) loops.
int xrt_launch_begin(xrt::Geometry*, const xrt::Range*, int ranges, int sync);
void xrt_launch_end();
void xrt_poison(const xrt::Range*, int ranges);
// Runs every thread by `body(context, block, thread)`: one by one, or as fibres when `sync`.
void xrt_blocks(const xrt::Geometry*, const xrt::Range*, int ranges, int sync, unsigned lanes,
                void (*body)(void*, const unsigned*, const unsigned*), void* context);

// A divergent copy of a barrier call would change which threads meet: hence convergent.
#ifdef __clang__
#define XRT_MEETS __attribute__((convergent))
#else
#define XRT_MEETS
#endif
enum xrt_op { XRT_SYNC, XRT_SHUFFLE, XRT_BALLOT, XRT_MATCH, XRT_TOGETHER };
int xrt_barrier(int predicate, int mode, int line) XRT_MEETS;  // mode: 0 none, 1 count, 2 and, 3 or
xrt_u64 xrt_warp(int op, xrt_u64 mask, int maskless, xrt_u64 value, unsigned source, int line) XRT_MEETS;
__attribute__((noreturn)) void xrt_fault(unsigned kind, int line, const char* text);
void xrt_image(void* lo, void* hi);

int xrt_device_malloc(void** out, xrt_size bytes, unsigned space, const char* name, int line);
int xrt_device_free(void*, int line);
int xrt_copy(void* to, const void* from, xrt_size bytes, int kind, int line);
int xrt_set(void* to, int value, xrt_size bytes, int line);
void* xrt_malloc(xrt_size);
void* xrt_calloc(xrt_size, xrt_size);
void xrt_free(void*);
}
