// HIP's vector types have operators of their own: a damped step of many springs at once.
#include <hip/hip_runtime.h>

__global__ void step(float4* place, float4* speed, const float4* rest, float k, float dt, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float4 away = place[i] - rest[i];
    float4 v = speed[i];
    v -= away * (k * dt);
    v *= 0.99f;
    place[i] += v * dt;
    speed[i] = v;
}

extern "C" void step_host(float* place, float* speed, const float* rest, float k, float dt, int n) {
    float4 *dp, *ds, *dr;
    size_t bytes = n * sizeof(float4);
    hipMalloc(&dp, bytes);
    hipMalloc(&ds, bytes);
    hipMalloc(&dr, bytes);
    hipMemcpy(dp, place, bytes, hipMemcpyHostToDevice);
    hipMemcpy(ds, speed, bytes, hipMemcpyHostToDevice);
    hipMemcpy(dr, rest, bytes, hipMemcpyHostToDevice);
    step<<<(n + 63) / 64, 64>>>(dp, ds, dr, k, dt, n);
    hipMemcpy(place, dp, bytes, hipMemcpyDeviceToHost);
    hipMemcpy(speed, ds, bytes, hipMemcpyDeviceToHost);
    hipFree(dp);
    hipFree(ds);
    hipFree(dr);
}
