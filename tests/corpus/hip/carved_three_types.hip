// One dynamic array, three tenants: sums in double, values in float, and which of them count in bytes.
#include <hip/hip_runtime.h>

__global__ void spread_of_valid(const float* x, const unsigned char* valid, double* mean, double* spread, int cols) {
    extern __shared__ __align__(16) unsigned char pool[];
    double* sums = reinterpret_cast<double*>(pool);
    float* values = reinterpret_cast<float*>(sums + blockDim.x);
    unsigned char* counts = (unsigned char*)(values + cols);
    const int t = threadIdx.x, row = blockIdx.x;
    double mine = 0.0;
    for (int c = t; c < cols; c += blockDim.x) {
        values[c] = x[row * cols + c];
        counts[c] = valid[row * cols + c] != 0;
        if (counts[c]) mine += values[c];
    }
    sums[t] = mine;
    __syncthreads();
    if (t == 0) {
        double total = 0.0;
        int n = 0;
        for (unsigned k = 0; k < blockDim.x; ++k) total += sums[k];
        for (int c = 0; c < cols; ++c) n += counts[c];
        double m = n > 0 ? total / n : 0.0, q = 0.0;
        for (int c = 0; c < cols; ++c)
            if (counts[c]) q += (values[c] - m) * (values[c] - m);
        mean[row] = m;
        spread[row] = n > 0 ? q / n : 0.0;
    }
}

extern "C" void spread_of_valid_host(const float* x, const unsigned char* valid, double* mean, double* spread, int rows,
                                     int cols) {
    float* dx;
    unsigned char* dv;
    double *dm, *ds;
    hipMalloc(&dx, rows * cols * sizeof(float));
    hipMalloc(&dv, rows * cols);
    hipMalloc(&dm, rows * sizeof(double));
    hipMalloc(&ds, rows * sizeof(double));
    hipMemcpy(dx, x, rows * cols * sizeof(float), hipMemcpyHostToDevice);
    hipMemcpy(dv, valid, rows * cols, hipMemcpyHostToDevice);
    size_t bytes = 64 * sizeof(double) + cols * sizeof(float) + cols;
    spread_of_valid<<<rows, 64, bytes>>>(dx, dv, dm, ds, cols);
    hipMemcpy(mean, dm, rows * sizeof(double), hipMemcpyDeviceToHost);
    hipMemcpy(spread, ds, rows * sizeof(double), hipMemcpyDeviceToHost);
    hipFree(dx);
    hipFree(dv);
    hipFree(dm);
    hipFree(ds);
}
