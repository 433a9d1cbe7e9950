#include <hip/hip_runtime.h>

// Helpers that return from inside their loops, results through references and by value.
struct Hit {
  int index = -1;
  float distance = 1e30f;

  __device__ bool found() const { return index >= 0; }
};

__device__ Hit first_within(const float* points, int n, float where, float radius) {
  for (int i = 0; i < n; ++i) {
    float d = fabsf(points[i] - where);
    if (d <= radius) return Hit{i, d};
  }
  return Hit();
}

__device__ void nearest(const float* points, int n, float where, int& index, float& distance) {
  index = 0;
  distance = fabsf(points[0] - where);
  for (int i = 1; i < n; ++i) {
    float d = fabsf(points[i] - where);
    if (d < distance) {
      distance = d;
      index = i;
    }
  }
}

__global__ void search(const float* points, const float* where, int* index, float* distance, int n, int queries,
                       float radius) {
  int q = blockIdx.x * blockDim.x + threadIdx.x;
  if (q >= queries) return;
  Hit hit = first_within(points, n, where[q], radius);
  if (!hit.found()) nearest(points, n, where[q], hit.index, hit.distance);
  index[q] = hit.index;
  distance[q] = hit.distance;
}

extern "C" void search_host(const float* points, const float* where, int* index, float* distance, int n, int queries,
                            float radius) {
  float *d_points, *d_where, *d_distance;
  int* d_index;
  hipMalloc(&d_points, n * sizeof(float));
  hipMalloc(&d_where, queries * sizeof(float));
  hipMalloc(&d_index, queries * sizeof(int));
  hipMalloc(&d_distance, queries * sizeof(float));
  hipMemcpy(d_points, points, n * sizeof(float), hipMemcpyHostToDevice);
  hipMemcpy(d_where, where, queries * sizeof(float), hipMemcpyHostToDevice);
  search<<<(queries + 63) / 64, 64>>>(d_points, d_where, d_index, d_distance, n, queries, radius);
  hipMemcpy(index, d_index, queries * sizeof(int), hipMemcpyDeviceToHost);
  hipMemcpy(distance, d_distance, queries * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_points);
  hipFree(d_where);
  hipFree(d_index);
  hipFree(d_distance);
}
