/* A 3x3 box blur over a batch of images, borders left out. */
void blur(const float *image, float *out) {
  for (int n = 0; n < 4; n++) {
    for (int y = 0; y < 62; y++) {
      for (int x = 0; x < 94; x++) {
        float sum = 0.0f;
        for (int dy = 0; dy < 3; dy++)
          for (int dx = 0; dx < 3; dx++)
            sum += image[(n * 64 + y + dy) * 96 + x + dx];
        out[(n * 62 + y) * 94 + x] = sum / 9.0f;
      }
    }
  }
}
