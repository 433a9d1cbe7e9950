// HIP on the host: 64 lanes, or 32, the device's limits, and the run-time calls that a wrapper makes.
#pragma once
#ifndef XRT_LANES
#define XRT_LANES 64
#endif
#define XRT_MASK unsigned long long
#define XRT_STATIC_SHARED (64 << 10)
#define XRT_SHARED (64 << 10)
#include "gpu.h"

#define __HIP_PLATFORM_AMD__ 1
#define __HIPCC__ 1
#define __HIP__ 1
#define HIP_KERNEL_NAME(...) __VA_ARGS__
#define HIP_DYNAMIC_SHARED(type, name) type* const name = (type*)xrt_dynamic;
#define hipThreadIdx_x threadIdx.x
#define hipThreadIdx_y threadIdx.y
#define hipThreadIdx_z threadIdx.z
#define hipBlockIdx_x blockIdx.x
#define hipBlockIdx_y blockIdx.y
#define hipBlockIdx_z blockIdx.z
#define hipBlockDim_x blockDim.x
#define hipBlockDim_y blockDim.y
#define hipBlockDim_z blockDim.z
#define hipGridDim_x gridDim.x
#define hipGridDim_y gridDim.y
#define hipGridDim_z gridDim.z
typedef _Float16 float16_t;

template <class T> unsigned long long __match_any(T v, XRT_AT) {
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &v, sizeof v);
  return xrt::meet(XRT_MATCH, xrt::kAll, true, bits, 0, xrt_line); }
#define __builtin_amdgcn_fence(order, scope) ((void)0)
#define __builtin_amdgcn_wave_barrier() __syncwarp()
inline unsigned __lane_id() { return xrt::lane(); }

// What the unsafe form leaves open is how the hardware does it.
template <class T> inline T unsafeAtomicAdd(T* p, xrt::as<T> v) { return atomicAdd(p, v); }
template <class T> inline T safeAtomicAdd(T* p, xrt::as<T> v) { return atomicAdd(p, v); }

// A HIP vector adds and multiplies by element, also with a scalar.
#define XRT_VEC_OP(V, T, op)                                                                                \
  inline V##2 operator op(V##2 a, V##2 b) { return {(T)(a.x op b.x), (T)(a.y op b.y)}; }                     \
  inline V##3 operator op(V##3 a, V##3 b) { return {(T)(a.x op b.x), (T)(a.y op b.y), (T)(a.z op b.z)}; }    \
  inline V##4 operator op(V##4 a, V##4 b) {                                                                  \
    return {(T)(a.x op b.x), (T)(a.y op b.y), (T)(a.z op b.z), (T)(a.w op b.w)}; }                           \
  XRT_VEC_SCALAR(V##2, T, op, (V##2{s, s})) XRT_VEC_SCALAR(V##3, T, op, (V##3{s, s, s}))                     \
  XRT_VEC_SCALAR(V##4, T, op, (V##4{s, s, s, s}))
#define XRT_VEC_SCALAR(V, T, op, all)                                                                       \
  inline V operator op(V a, T s) { return a op all; }                                                        \
  inline V operator op(T s, V a) { return all op a; }                                                        \
  inline V& operator op##=(V& a, V b) { return a = a op b; }                                                 \
  inline V& operator op##=(V& a, T s) { return a = a op all; }
#define XRT_VEC_OPS(V, T) XRT_VEC_OP(V, T, +) XRT_VEC_OP(V, T, -) XRT_VEC_OP(V, T, *) XRT_VEC_OP(V, T, /)
XRT_VEC_OPS(float, float) XRT_VEC_OPS(double, double) XRT_VEC_OPS(int, int)
#undef XRT_VEC_OP
#undef XRT_VEC_SCALAR
#undef XRT_VEC_OPS

enum hipError_t { hipSuccess = 0, hipErrorInvalidValue = 1, hipErrorMemoryAllocation = 2 };
typedef hipError_t hipError;
enum hipMemcpyKind {
  hipMemcpyHostToHost, hipMemcpyHostToDevice, hipMemcpyDeviceToHost, hipMemcpyDeviceToDevice, hipMemcpyDefault
};
enum hipFuncAttribute { hipFuncAttributeMaxDynamicSharedMemorySize = 8, hipFuncAttributePreferredSharedMemoryCarveout };
typedef struct XrtStream* hipStream_t;
typedef struct XrtEvent* hipEvent_t;
#define hipMalloc(p, n) ((hipError_t)xrt_device_malloc((void**)(p), (n), xrt::kDevice, #p, __LINE__))
#define hipMallocManaged(p, n, ...) ((hipError_t)xrt_device_malloc((void**)(p), (n), xrt::kManaged, #p, __LINE__))
#define hipHostMalloc(p, n, ...) ((hipError_t)(*(void**)(p) = malloc(n), 0))
#define hipMallocAsync(p, n, s) hipMalloc(p, n)
inline hipError_t hipFree(const void* p, XRT_AT) { return (hipError_t)xrt_device_free((void*)p, xrt_line); }
inline hipError_t hipFreeAsync(void* p, hipStream_t, XRT_AT) { return hipFree(p, xrt_line); }
inline hipError_t hipHostFree(void* p) { return free(p), hipSuccess; }
inline hipError_t hipMemcpy(void* to, const void* from, size_t n, hipMemcpyKind k, XRT_AT) {
  return (hipError_t)xrt_copy(to, from, n, k, xrt_line); }
inline hipError_t hipMemcpyAsync(void* to, const void* from, size_t n, hipMemcpyKind k, hipStream_t = 0, XRT_AT) {
  return (hipError_t)xrt_copy(to, from, n, k, xrt_line); }
inline hipError_t hipMemset(void* p, int v, size_t n, XRT_AT) { return (hipError_t)xrt_set(p, v, n, xrt_line); }
inline hipError_t hipMemsetAsync(void* p, int v, size_t n, hipStream_t = 0, XRT_AT) {
  return (hipError_t)xrt_set(p, v, n, xrt_line); }
#define HIP_SYMBOL(x) x
template <class T> hipError_t hipMemcpyToSymbol(T& to, const void* from, size_t n, size_t at = 0,
                                                hipMemcpyKind = hipMemcpyHostToDevice) {
  return memcpy((char*)&to + at, from, n), hipSuccess; }
template <class T> hipError_t hipMemcpyFromSymbol(void* to, const T& from, size_t n, size_t at = 0,
                                                  hipMemcpyKind = hipMemcpyDeviceToHost) {
  return memcpy(to, (const char*)&from + at, n), hipSuccess; }
template <class F> hipError_t hipFuncSetAttribute(F, hipFuncAttribute a, int v) {
  if (a == hipFuncAttributeMaxDynamicSharedMemorySize) xrt_opt_in = (xrt_u64)v;
  return hipSuccess; }
inline hipError_t hipDeviceSynchronize() { return hipSuccess; }
inline hipError_t hipGetLastError() { return hipSuccess; }
inline hipError_t hipPeekAtLastError() { return hipSuccess; }
inline const char* hipGetErrorString(hipError_t) { return "no error"; }
inline const char* hipGetErrorName(hipError_t) { return "hipSuccess"; }
inline hipError_t hipSetDevice(int) { return hipSuccess; }
inline hipError_t hipDeviceReset() { return hipSuccess; }
inline hipError_t hipStreamCreate(hipStream_t* s) { return *s = 0, hipSuccess; }
inline hipError_t hipStreamSynchronize(hipStream_t) { return hipSuccess; }
inline hipError_t hipStreamDestroy(hipStream_t) { return hipSuccess; }
inline hipError_t hipEventCreate(hipEvent_t* e) { return *e = 0, hipSuccess; }
inline hipError_t hipEventRecord(hipEvent_t, hipStream_t = 0) { return hipSuccess; }
inline hipError_t hipEventSynchronize(hipEvent_t) { return hipSuccess; }
inline hipError_t hipEventElapsedTime(float* ms, hipEvent_t, hipEvent_t) { return *ms = 0, hipSuccess; }
inline hipError_t hipEventDestroy(hipEvent_t) { return hipSuccess; }

#include "mfma.hpp"
