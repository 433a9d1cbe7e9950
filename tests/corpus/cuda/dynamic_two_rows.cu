// Dynamic shared memory by pointer arithmetic: two rows of a table, taken in turns.
__global__ void edit_distance(const int* a, const int* b, int* distance, int length) {
    extern __shared__ int rows[];
    int* previous = rows;
    int* current = rows + (length + 1);
    int pair = blockIdx.x;
    for (int j = threadIdx.x; j <= length; j += blockDim.x) previous[j] = j;
    __syncthreads();
    for (int i = 1; i <= length; i++) {
        // Each thread first takes the two ways that need only the row before.
        for (int j = threadIdx.x; j <= length; j += blockDim.x) {
            int cost = i;
            if (j > 0) {
                int change = previous[j - 1] + (a[pair * length + i - 1] != b[pair * length + j - 1]);
                int remove = previous[j] + 1;
                cost = change < remove ? change : remove;
            }
            current[j] = cost;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            for (int j = 1; j <= length; j++) current[j] = min(current[j], current[j - 1] + 1);
        }
        __syncthreads();
        for (int j = threadIdx.x; j <= length; j += blockDim.x) previous[j] = current[j];
        __syncthreads();
    }
    if (threadIdx.x == 0) distance[pair] = previous[length];
}

extern "C" void edit_distance_host(const int* a, const int* b, int* distance, int pairs, int length) {
    int *da, *db, *dd;
    cudaMalloc(&da, pairs * length * sizeof(int));
    cudaMalloc(&db, pairs * length * sizeof(int));
    cudaMalloc(&dd, pairs * sizeof(int));
    cudaMemcpy(da, a, pairs * length * sizeof(int), cudaMemcpyHostToDevice);
    cudaMemcpy(db, b, pairs * length * sizeof(int), cudaMemcpyHostToDevice);
    edit_distance<<<pairs, 32, 2 * (length + 1) * sizeof(int)>>>(da, db, dd, length);
    cudaMemcpy(distance, dd, pairs * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(db);
    cudaFree(dd);
}
