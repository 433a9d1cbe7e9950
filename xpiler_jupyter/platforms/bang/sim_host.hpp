// The run-time calls of a host wrapper, and launches written as kernel<<<dim, type, queue>>>(...).
#pragma once

typedef enum { cnrtSuccess = 0, CNRT_RET_SUCCESS = 0 } cnrtRet_t;
typedef enum { cnrtMemcpyHostToDev = 1, cnrtMemcpyDevToHost = 2, cnrtMemcpyDevToDev = 3,
               CNRT_MEM_TRANS_DIR_HOST2DEV = 1, CNRT_MEM_TRANS_DIR_DEV2HOST = 2 } cnrtMemTransDir_t;
typedef enum { cnrtFuncTypeBlock = 1, CNRT_FUNC_TYPE_BLOCK = 1, cnrtFuncTypeUnion1 = 4, CNRT_FUNC_TYPE_UNION1 = 4,
               cnrtFuncTypeUnion2 = 8, CNRT_FUNC_TYPE_UNION2 = 8, cnrtFuncTypeUnion4 = 16, CNRT_FUNC_TYPE_UNION4 = 16,
               cnrtFuncTypeUnion8 = 32, CNRT_FUNC_TYPE_UNION8 = 32, cnrtFuncTypeUnion16 = 64,
               CNRT_FUNC_TYPE_UNION16 = 64 } cnrtFunctionType_t;
typedef struct { unsigned x, y, z; } cnrtDim3_t;
typedef struct XrtQueue* cnrtQueue_t;
typedef struct XrtNotifier* cnrtNotifier_t;
typedef int cnrtDev_t;
#define CNRT_CHECK(e) ((void)(e))
#define cnrtMalloc(p, n) ((cnrtRet_t)xrt_device_malloc((void**)(p), (n), xrt::kDevice, #p, __LINE__))
inline cnrtRet_t cnrtFree(void* p, XRT_AT) { return (cnrtRet_t)xrt_device_free(p, xrt_line); }
inline cnrtRet_t cnrtMemcpy(void* to, const void* from, size_t n, cnrtMemTransDir_t k, XRT_AT) {
  return (cnrtRet_t)xrt_copy(to, from, n, k, xrt_line); }
inline cnrtRet_t cnrtMemcpyAsync(void* to, const void* from, size_t n, cnrtQueue_t, cnrtMemTransDir_t k, XRT_AT) {
  return (cnrtRet_t)xrt_copy(to, from, n, k, xrt_line); }
inline cnrtRet_t cnrtMemset(void* p, int v, size_t n, XRT_AT) { return (cnrtRet_t)xrt_set(p, v, n, xrt_line); }
inline cnrtRet_t cnrtSetDevice(int) { return cnrtSuccess; }
inline cnrtRet_t cnrtGetDevice(int* d) { return *d = 0, cnrtSuccess; }
inline cnrtRet_t cnrtQueueCreate(cnrtQueue_t* q) { return *q = 0, cnrtSuccess; }
inline cnrtRet_t cnrtQueueSync(cnrtQueue_t) { return cnrtSuccess; }
inline cnrtRet_t cnrtQueueDestroy(cnrtQueue_t) { return cnrtSuccess; }
inline cnrtRet_t cnrtSyncDevice() { return cnrtSuccess; }
inline cnrtRet_t cnrtNotifierCreate(cnrtNotifier_t* n) { return *n = 0, cnrtSuccess; }
inline cnrtRet_t cnrtNotifierDestroy(cnrtNotifier_t) { return cnrtSuccess; }
inline cnrtRet_t cnrtPlaceNotifier(cnrtNotifier_t, cnrtQueue_t) { return cnrtSuccess; }

namespace xrt {
inline Config config(cnrtDim3_t d, int type = cnrtFuncTypeBlock, cnrtQueue_t = 0, int line = XRT_LINE) {
  unsigned together = type >= 4 ? (unsigned)type : 1;
  if (d.x % together) {
    Say s;
    s << "dim.x is " << d.x << ", this union runs " << together << " tasks together";
    xrt_fault(kLaunch, line, s.text);
  }
  return {d.x / together, d.y, d.z, together == 1 ? 1u : 4u, together == 1 ? 1u : together / 4, line};
}
}  // namespace xrt
