/* What compiled code calls and what calls it. Plain C, for the JIT, for exported libraries and for the training loop
 * alike.
 *
 * A compiled function works on blocks that its caller owns. It allocates nothing, takes no lock, and touches no global
 * variable. `params` and `state` are one block each, aligned to 64 bytes, updated in place; slots inside them begin at
 * multiples of 64 bytes (TensorSlot.h). Each of `inputs` and `outputs` points to one dense row-major tensor, aligned to
 * its elements (64 bytes are faster), and `arena` is scratch memory of the size that the compiler gave with the
 * function, aligned to 64 bytes. */
#ifndef DLC_RUNTIME_ABI_H
#define DLC_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DLC_ERROR_LOOPS 8

/* One a call; what the caller offers, and where a failed check is described. */
typedef struct dlc_context dlc_context;

struct dlc_context {
  /* Calls `body(args, begin, end)` for contiguous ranges that cover [0, tasks) once, on any threads, and returns when
   * all have ended. The ranges never change the result's bits. Called from inside a body, it runs inline. */
  void (*parallel)(dlc_context *context, void (*body)(void *args, int64_t begin, int64_t end), void *args,
                   int64_t tasks);
  void *pool; /* belongs to `parallel` */

  /* Set before a function returns the id of a failed check: the row-major index of the first failing element in the
   * tensor that was checked (with one element a sample: the sample), and its value. `error_check` repeats the id. */
  int64_t error_check;
  int64_t error_index;
  int64_t error_value;
  /* How many loops were around the check (as many as are noted), and in which iteration each was, from 0, the innermost
   * one first. */
  int64_t error_loops;
  int64_t error_iterations[DLC_ERROR_LOOPS];

  /* May be null. When it becomes nonzero, the function may end before its next kernel and returns -1, as long as it has
   * written nothing to params and state. */
  volatile int32_t *stop;

  /* Prints the line `id` (from 1: its place among the function's prints) with these tensors in memory; called on the thread
   * that called the function. May be null: nothing is printed. */
  void (*print)(dlc_context *context, int64_t id, void *const *tensors);
  void *printer; /* belongs to `print` */
};

/* 0, or the id (from 1) of the check that failed, found before any write to params and state; -1 when stopped, likewise.
 * `context` may be null: the function then runs on the calling thread, and a failed check is known by its id alone. */
typedef int64_t (*dlc_function)(void *params, void *state, void *const *inputs, void *const *outputs, void *arena,
                                dlc_context *context);

#ifdef __cplusplus
}
#endif

#endif
