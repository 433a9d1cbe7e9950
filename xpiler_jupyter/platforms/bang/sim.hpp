// BANG C on the host: one fibre per core, NRAM and WRAM of its own, SRAM per cluster, intrinsics with the checks of the
// instr tables. Switches: XRT_FLAT (no checks of operands), XRT_BANG_ARCH (290, 372, 592), XRT_WRAM_ROW_MAJOR (weights
// lie in WRAM as a text that never reorders them expects: matmul's right side K x N, mlp's filter inputs x outputs).
#pragma once
#ifndef XRT_FLAT
#define XRT_FLAT 0
#endif
#ifndef XRT_BANG_ARCH
#define XRT_BANG_ARCH 592
#endif
#ifndef XRT_WRAM_ROW_MAJOR
#define XRT_WRAM_ROW_MAJOR 0
#endif
#include "kernel.h"

#define __BANG__ 1
#define __BANG_ARCH__ XRT_BANG_ARCH
#define __MLU_NRAM_SIZE__ (XRT_BANG_ARCH == 372 ? 768 : 512)
#define __MLU_WRAM_SIZE__ (XRT_BANG_ARCH == 372 ? 1024 : 512)
#define __MLU_SRAM_SIZE__ (XRT_BANG_ARCH == 372 ? 4096 : 2048)

#ifdef __clang__
#define XRT_LOCAL __attribute__((internal_linkage))
#define XRT_SIZED __attribute__((pass_dynamic_object_size(0)))
#define XRT_SIZE(p) __builtin_dynamic_object_size(p, 0)
#else
#define XRT_LOCAL
#define XRT_SIZED
#define XRT_SIZE(p) (~0ull)
#endif
#define XRT_AT int xrt_line = XRT_LINE
// A type of its own: no argument too many may ever become a line.
namespace xrt { struct Line { int n; }; }
#define XRT_HERE xrt::Line xrt_line = xrt::Line{XRT_LINE}
#if XRT_FLAT
// Not inlined: the compiler would see that a pointer leaves its array, and make something else of it.
#define XRT_INLINE inline __attribute__((noinline))
#define XRT_CALL(name)
#define XRT_RULE(ok, why)
#define XRT_OPERAND(p, bytes, memory, write, align)
#define XRT_OVERLAP(mode)
#define XRT_FILLS(p, bytes, memory, pipe)
#else
#define XRT_INLINE inline
#define XRT_CALL(name) xrt::Call xrt_c{#name, xrt_line.n};
#define XRT_RULE(ok, why) xrt_c.rule(ok, why);
#define XRT_OPERAND(p, bytes, memory, write, align) xrt_c.operand(#p, p, XRT_SIZE(p), bytes, memory, write, align);
#define XRT_FILLS(p, bytes, memory, pipe) xrt_c.operand(#p, p, XRT_SIZE(p), bytes, memory, true, 1, xrt::pipe);
#define XRT_OVERLAP(mode) xrt_c.overlap(mode);
#endif
#define XRT_SINCE(arch)
#define XRT_SIDE(a, b) (XRT_WRAM_ROW_MAJOR ? (b) : (a))

#define __mlu_global__ XRT_LOCAL
#define __mlu_entry__ XRT_LOCAL
#define __mlu_func__ XRT_LOCAL
#define __mlu_device__ XRT_LOCAL
#define __mlu_host__
#define __mlu_const__ static const
#define __ldram__
#define __nram__ static __attribute__((section("xrt_nram"), used, aligned(64)))
#define __wram__ static __attribute__((section("xrt_wram"), used, aligned(64)))
#define __mlu_shared__ static __attribute__((section("xrt_sram"), used, aligned(64)))

typedef _Float16 half;
#ifdef __clang__
typedef __bf16 bfloat16_t;
#else
struct bfloat16_t { unsigned short bits; };
#endif
typedef int8_t int8;
typedef int16_t int16;
typedef int32_t int32;
typedef uint8_t uint8;
typedef uint16_t uint16;
typedef uint32_t uint32;

// What a task knows of its place. Restored after every wait: other cores run meanwhile.
static unsigned taskIdX, taskIdY, taskIdZ, taskId, clusterId, coreId;
static unsigned taskDimX, taskDimY, taskDimZ, taskDim, clusterDim, coreDim;

#include "sim_memory.hpp"
#include "sim_cores.hpp"
#include "sim_scalar.hpp"
#include "sim_arith.hpp"
#include "sim_tensor.hpp"
#include "sim_checks.hpp"
#include "sim_host.hpp"
