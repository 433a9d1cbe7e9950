// CUDA on the host: 32 lanes, the device's limits, and the run-time calls that a wrapper makes. With XRT_LANES 64 the text
// meets warps of 64, as it does once its words are HIP's: a mask of 32 ones means all lanes.
#pragma once
#ifdef XRT_LANES
#define XRT_MASK unsigned long long
#define XRT_WIDENED
#else
#define XRT_LANES 32
#define XRT_MASK unsigned
#endif
#define XRT_STATIC_SHARED (48 << 10)
#define XRT_SHARED (227 << 10)
#include "gpu.h"

#define __CUDA_ARCH__ 900
#define __CUDACC__ 1
#define __NVCC__ 1
inline unsigned __laneid() { return xrt::lane(); }

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
typedef cudaError_t cudaError;
enum cudaMemcpyKind {
  cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout };
typedef struct XrtStream* cudaStream_t;
typedef struct XrtEvent* cudaEvent_t;
#define cudaMalloc(p, n) ((cudaError_t)xrt_device_malloc((void**)(p), (n), xrt::kDevice, #p, __LINE__))
#define cudaMallocManaged(p, n, ...) ((cudaError_t)xrt_device_malloc((void**)(p), (n), xrt::kManaged, #p, __LINE__))
#define cudaMallocHost(p, n) ((cudaError_t)(*(void**)(p) = malloc(n), 0))
#define cudaMallocAsync(p, n, s) cudaMalloc(p, n)
inline cudaError_t cudaFree(const void* p, XRT_AT) { return (cudaError_t)xrt_device_free((void*)p, xrt_line); }
inline cudaError_t cudaFreeAsync(void* p, cudaStream_t, XRT_AT) { return cudaFree(p, xrt_line); }
inline cudaError_t cudaFreeHost(void* p) { return free(p), cudaSuccess; }
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind k, XRT_AT) {
  return (cudaError_t)xrt_copy(to, from, n, k, xrt_line); }
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind k, cudaStream_t = 0, XRT_AT) {
  return (cudaError_t)xrt_copy(to, from, n, k, xrt_line); }
inline cudaError_t cudaMemset(void* p, int v, size_t n, XRT_AT) { return (cudaError_t)xrt_set(p, v, n, xrt_line); }
inline cudaError_t cudaMemsetAsync(void* p, int v, size_t n, cudaStream_t = 0, XRT_AT) {
  return (cudaError_t)xrt_set(p, v, n, xrt_line); }
template <class T> cudaError_t cudaMemcpyToSymbol(T& to, const void* from, size_t n, size_t at = 0,
                                                  cudaMemcpyKind = cudaMemcpyHostToDevice) {
  return memcpy((char*)&to + at, from, n), cudaSuccess; }
template <class T> cudaError_t cudaMemcpyFromSymbol(void* to, const T& from, size_t n, size_t at = 0,
                                                    cudaMemcpyKind = cudaMemcpyDeviceToHost) {
  return memcpy(to, (const char*)&from + at, n), cudaSuccess; }
template <class F> cudaError_t cudaFuncSetAttribute(F, cudaFuncAttribute a, int v) {
  if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) xrt_opt_in = (xrt_u64)v;
  return cudaSuccess; }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "no error"; }
inline const char* cudaGetErrorName(cudaError_t) { return "cudaSuccess"; }
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaDeviceReset() { return cudaSuccess; }
inline cudaError_t cudaStreamCreate(cudaStream_t* s) { return *s = 0, cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventCreate(cudaEvent_t* e) { return *e = 0, cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = 0) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) { return *ms = 0, cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }

#include "wmma.hpp"
