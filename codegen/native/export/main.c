/* The program around an exported function: reads its inputs from .npy files and writes its results so. In front of this
 * text stand, made for the function: its header, `inputs`, `outputs` and `checks`, and `call`, `scratch_bytes`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct tensor *t) {
  size_t bytes = t->element_bytes;
  for (int i = 0; i < t->rank; ++i)
    bytes *= (size_t)t->shape[i];
  return bytes;
}

/* "(3, 4)", "(3,)", "()", as Python writes a shape. */
static void write_shape(char *text, size_t room, const struct tensor *t) {
  size_t used = (size_t)snprintf(text, room, "(");
  for (int i = 0; i < t->rank; ++i)
    used += (size_t)snprintf(text + used, room - used, i ? ", %lld" : "%lld", (long long)t->shape[i]);
  snprintf(text + used, room - used, t->rank == 1 ? ",)" : ")");
}

static int fail(const char *path, const char *what) {
  fprintf(stderr, "error: %s: %s\n", path, what);
  return 1;
}

/* What stands behind 'key': in a .npy header. */
static const char *value_of(const char *header, const char *key) {
  const char *at = strstr(header, key);
  if (!at)
    return "";
  at += strlen(key);
  return at + strspn(at, " :");
}

static int shape_is(const char *text, const struct tensor *t) {
  if (*text++ != '(')
    return 0;
  for (int i = 0; i < t->rank; ++i) {
    char *end;
    if (strtoll(text, &end, 10) != t->shape[i] || end == text)
      return 0;
    text = end + strspn(end, ", L");
  }
  return *text == ')';
}

static int read_tensor(FILE *file, const char *path, const struct tensor *t, void *data) {
  unsigned char start[12];
  char header[4096], wanted[1024], message[2048];
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0)
    return fail(path, "not a .npy file");
  size_t length = start[8] | (size_t)start[9] << 8;
  if (start[6] >= 2) {
    if (fread(start + 10, 1, 2, file) != 2)
      return fail(path, "ends in its header");
    length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
  }
  if (length >= sizeof header)
    return fail(path, "its header is longer than that of an array of numbers");
  if (fread(header, 1, length, file) != length)
    return fail(path, "ends in its header");
  header[length] = 0;
  write_shape(wanted, sizeof wanted, t);
  const char *descr = value_of(header, "'descr'");
  size_t code = strlen(t->descr);
  if ((*descr != '\'' && *descr != '"') || strncmp(descr + 1, t->descr, code) != 0 || descr[code + 1] != *descr) {
    snprintf(message, sizeof message, "its numbers are %.*s, `%s` takes '%s': x.astype(np.%s) converts them",
             (int)strcspn(descr, ","), descr, t->name, t->descr, t->numpy);
    return fail(path, message);
  }
  if (!shape_is(value_of(header, "'shape'"), t)) {
    const char *shape = value_of(header, "'shape'");
    snprintf(message, sizeof message, "its shape is %.*s, `%s` takes %s", (int)strcspn(shape, ")") + 1, shape, t->name,
             wanted);
    return fail(path, message);
  }
  if (strncmp(value_of(header, "'fortran_order'"), "False", 5) != 0 && t->rank > 1)
    return fail(path, "is in Fortran order: np.ascontiguousarray(x) changes it");
  if (fread(data, 1, bytes_of(t), file) != bytes_of(t))
    return fail(path, "ends before its last number");
  if (fgetc(file) != EOF)
    return fail(path, "is longer than its header says");
  return 0;
}

static int write_tensor(const char *path, const struct tensor *t, const void *data) {
  char header[2048], shape[1024], beside[4096];
  write_shape(shape, sizeof shape, t);
  int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", t->descr, shape);
  while ((10 + used + 1) % 64 != 0)
    header[used++] = ' ';
  header[used++] = '\n';
  unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)used, (unsigned char)(used >> 8)};
  /* Beside its place, then renamed: a full disk leaves no half of a file. */
  if ((size_t)snprintf(beside, sizeof beside, "%s.part", path) >= sizeof beside)
    return fail(path, "the name is too long");
  FILE *file = fopen(beside, "wb");
  if (!file)
    return fail(path, strerror(errno));
  int good = fwrite(start, 1, 10, file) == 10 && fwrite(header, 1, (size_t)used, file) == (size_t)used &&
             fwrite(data, 1, bytes_of(t), file) == bytes_of(t);
  good &= fclose(file) == 0;
  if (!good || rename(beside, path) != 0) {
    int problem = errno;
    remove(beside);
    return fail(path, strerror(problem));
  }
  return 0;
}

static void print_usage(FILE *stream, const char *program) {
  fprintf(stream, "usage: %s", program);
  for (int i = 0; i < input_count; ++i)
    fprintf(stream, " %s.npy", inputs[i].name);
  for (int i = 0; i < output_count; ++i)
    fprintf(stream, " %s.npy", outputs[i].name);
  fprintf(stream, "\nReads the inputs, in this order, and writes the results to the files named last.\n\n");
  for (int i = 0; i < input_count + output_count; ++i) {
    const struct tensor *t = i < input_count ? &inputs[i] : &outputs[i - input_count];
    char shape[1024];
    write_shape(shape, sizeof shape, t);
    fprintf(stream, "  %-6s %s: %s %s\n", i < input_count ? "input" : "result", t->name, t->numpy, shape);
  }
}

static void *allocate(size_t bytes) {
  void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!block) {
    fprintf(stderr, "error: %zu bytes of memory are not to be had\n", bytes);
    exit(1);
  }
  return block;
}

int main(int argc, char **argv) {
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
    return print_usage(stdout, argv[0]), 0;
  if (argc != 1 + input_count + output_count)
    return print_usage(stderr, argv[0]), 2;
  void *given[input_count + 1], *results[output_count + 1];
  for (int i = 0; i < input_count; ++i) {
    given[i] = allocate(bytes_of(&inputs[i]));
    FILE *file = fopen(argv[1 + i], "rb");
    if (!file)
      return fail(argv[1 + i], strerror(errno));
    if (read_tensor(file, argv[1 + i], &inputs[i], given[i]))
      return 1;
    fclose(file);
  }
  for (int i = 0; i < output_count; ++i)
    results[i] = allocate(bytes_of(&outputs[i]));
  int status = call(given, results, allocate(scratch_bytes()));
  if (status != 0) {
    fprintf(stderr, "error: %s\n", checks[status - 1]);
    return 1;
  }
  for (int i = 0; i < output_count; ++i)
    if (write_tensor(argv[1 + input_count + i], &outputs[i], results[i]))
      return 1;
  return 0;
}
