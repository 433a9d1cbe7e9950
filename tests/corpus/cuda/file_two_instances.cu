// One template, launched for two types by a test of both.
#include <cuda_runtime.h>
#include <vector>

template <typename T>
__global__ void decay(T *state, const T *drive, T keep, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        state[i] = keep * state[i] + (T(1) - keep) * drive[i];
}

template <typename T>
void try_type(int n) {
    std::vector<T> host(n, T(1));
    T *state, *drive;
    cudaMalloc(&state, n * sizeof(T));
    cudaMalloc(&drive, n * sizeof(T));
    cudaMemcpy(state, host.data(), n * sizeof(T), cudaMemcpyHostToDevice);
    cudaMemcpy(drive, host.data(), n * sizeof(T), cudaMemcpyHostToDevice);
    decay<T><<<(n + 255) / 256, 256>>>(state, drive, T(0.75), n);
    cudaMemcpy(host.data(), state, n * sizeof(T), cudaMemcpyDeviceToHost);
    cudaFree(state);
    cudaFree(drive);
}

int main() {
    try_type<float>(5000);
    try_type<double>(5000);
    return 0;
}
