// Root-mean-square normalisation of bfloat16 rows, summed up in float.
#include <hip/hip_runtime.h>
#include <hip/hip_bf16.h>

__global__ void bfloat_norm(const __hip_bfloat16* x, const __hip_bfloat16* gain, __hip_bfloat16* y, int rows, int width) {
  if (blockIdx.x >= rows) return;
  __shared__ float total[64];
  const __hip_bfloat16* row = x + blockIdx.x * width;
  float sum = 0.0f;
  for (int i = threadIdx.x; i < width; i += 64) {
    float v = __bfloat162float(row[i]);
    sum = __fmaf_rn(v, v, sum);
  }
  total[threadIdx.x] = sum;
  __syncthreads();
  for (int step = 32; step > 0; step >>= 1) {
    if (threadIdx.x < step) total[threadIdx.x] += total[threadIdx.x + step];
    __syncthreads();
  }
  float factor = rsqrtf(__fdiv_rn(total[0], (float)width) + 1e-5f);
  for (int i = threadIdx.x; i < width; i += 64) {
    y[blockIdx.x * width + i] = __float2bfloat16(__bfloat162float(row[i]) * factor * __bfloat162float(gain[i]));
  }
}

extern "C" void bfloat_norm_host(const __hip_bfloat16* x, const __hip_bfloat16* gain, __hip_bfloat16* y, int rows, int width) {
  __hip_bfloat16* d_x;
  hipMalloc(&d_x, rows * width * sizeof(__hip_bfloat16));
  __hip_bfloat16* d_gain;
  hipMalloc(&d_gain, width * sizeof(__hip_bfloat16));
  __hip_bfloat16* d_y;
  hipMalloc(&d_y, rows * width * sizeof(__hip_bfloat16));
  hipMemcpy(d_x, x, rows * width * sizeof(__hip_bfloat16), hipMemcpyHostToDevice);
  hipMemcpy(d_gain, gain, width * sizeof(__hip_bfloat16), hipMemcpyHostToDevice);
  bfloat_norm<<<rows, 64>>>(d_x, d_gain, d_y, rows, width);
  hipMemcpy(y, d_y, rows * width * sizeof(__hip_bfloat16), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_gain);
  hipFree(d_y);
}
