// The runtime of every simulated kernel, compiled once and kept in the cache: memory between guard pages, fibres that
// meet at barriers, and the sandbox around one run. Declares the few libc calls it needs itself.
#include "xrt.h"

using namespace xrt;

extern "C" {
void* mmap(void*, xrt_size, int, int, int, long);
int mprotect(void*, xrt_size, int);
int madvise(void*, xrt_size, int);
void* memset(void*, int, xrt_size);
void* memcpy(void*, const void*, xrt_size);
int sigaction(int, const void*, void*);
int sigaltstack(const void*, void*);
int setitimer(int, const void*, void*);
int setrlimit(int, const void*);
int prctl(int, ...);
int clock_gettime(int, void*);
void* dlopen(const char*, int);
void* dlsym(void*, const char*);
char* dlerror();
int dup2(int, int);
int close(int);
int open(const char*, int, ...);
int unshare(int);
[[noreturn]] void _exit(int);
}

static const int kRead = 1, kReadWrite = 3, kNoAccess = 0;

extern "C" {
Control* xrt_control;
void* xrt_dynamic;
}

static Control* C;

static double now() {
  long t[2];
  clock_gettime(1, t);
  return (double)t[0] + 1e-9 * (double)t[1];
}

static void copy_text(char* to, const char* from, unsigned room) {
  unsigned i = 0;
  for (; from && from[i] && i + 1 < room; i++) to[i] = from[i];
  to[i] = 0;
}

#include "memory.inc"
#include "fibres.inc"
#include "sandbox.inc"
