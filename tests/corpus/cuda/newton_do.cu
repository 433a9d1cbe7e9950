// Square roots by Newton's method: repeat until the guess no longer moves.
__global__ void newton_sqrt(const float* a, float* root, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = a[i];
    if (v <= 0.0f) {
        root[i] = 0.0f;
        return;
    }
    float guess = v > 1.0f ? v : 1.0f;
    float change;
    int rounds = 0;
    do {
        float next = 0.5f * (guess + v / guess);
        change = guess - next;
        guess = next;
        rounds++;
    } while (change > 1e-6f * guess && rounds < 40);
    root[i] = guess;
}

extern "C" void newton_sqrt_host(const float* a, float* root, int n) {
    float *da, *dr;
    cudaMalloc(&da, n * sizeof(float));
    cudaMalloc(&dr, n * sizeof(float));
    cudaMemcpy(da, a, n * sizeof(float), cudaMemcpyHostToDevice);
    newton_sqrt<<<(n + 255) / 256, 256>>>(da, dr, n);
    cudaMemcpy(root, dr, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(dr);
}
