// Particles in arrays of structs; what stays the same in a step is one struct passed by value.
struct Vec3 {
  float x, y, z;

  __host__ __device__ Vec3 operator+(const Vec3& o) const { return Vec3{x + o.x, y + o.y, z + o.z}; }
  __host__ __device__ Vec3 operator*(float s) const { return Vec3{x * s, y * s, z * s}; }
  __host__ __device__ float dot(const Vec3& o) const { return x * o.x + y * o.y + z * o.z; }
};

struct StepParams {
  float dt;
  float drag;
  int count;
};

__global__ void integrate(Vec3* position, Vec3* velocity, float* energy, StepParams step) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= step.count) return;
  Vec3 v = velocity[i] * (1.0f - step.drag * step.dt);
  v.y -= 9.81f * step.dt;
  position[i] = position[i] + v * step.dt;
  velocity[i] = v;
  energy[i] = 0.5f * v.dot(v);
}

extern "C" void integrate_host(float* position, float* velocity, float* energy, float dt, float drag, int count) {
  Vec3 *d_position, *d_velocity;
  float* d_energy;
  size_t bytes = count * sizeof(Vec3);
  cudaMalloc(&d_position, bytes);
  cudaMalloc(&d_velocity, bytes);
  cudaMalloc(&d_energy, count * sizeof(float));
  cudaMemcpy(d_position, position, bytes, cudaMemcpyHostToDevice);
  cudaMemcpy(d_velocity, velocity, bytes, cudaMemcpyHostToDevice);
  StepParams step{dt, drag, count};
  integrate<<<(count + 127) / 128, 128>>>(d_position, d_velocity, d_energy, step);
  cudaMemcpy(position, d_position, bytes, cudaMemcpyDeviceToHost);
  cudaMemcpy(velocity, d_velocity, bytes, cudaMemcpyDeviceToHost);
  cudaMemcpy(energy, d_energy, count * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_position);
  cudaFree(d_velocity);
  cudaFree(d_energy);
}
