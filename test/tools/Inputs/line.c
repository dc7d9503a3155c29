/* Calls the library of compile-library.dl at x = 1. */
#include "libline.h"
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  float x = 1, y = 0;
  void *scratch = malloc(line_forward_scratch_bytes() + 1);
  int code = line_forward(&x, &y, scratch);
  printf("%d %.1f\n", code, y);
  free(scratch);
  return 0;
}
