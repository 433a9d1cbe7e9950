// How many steps each number takes to reach one; a limit stops the unlucky ones.
__global__ void collatz(const int* start, int* steps, int n, int limit) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned int v = start[i];
    int count = 0;
    while (v != 1 && count < limit) {
        v = (v & 1) ? 3 * v + 1 : v / 2;
        ++count;
    }
    steps[i] = count;
}

extern "C" void collatz_host(const int* start, int* steps, int n, int limit) {
    int *ds, *dt;
    cudaMalloc(&ds, n * sizeof(int));
    cudaMalloc(&dt, n * sizeof(int));
    cudaMemcpy(ds, start, n * sizeof(int), cudaMemcpyHostToDevice);
    collatz<<<(n + 127) / 128, 128>>>(ds, dt, n, limit);
    cudaMemcpy(steps, dt, n * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(ds);
    cudaFree(dt);
}
