// What gather, scatter_add and argsort refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @gather_axis(%x: tensor<9x4xf32>, %i: tensor<6xi64>) {
  // expected-error @+1 {{axis 2 is out of range, expected 0 to 1}}
  %0 = dl.gather %x at %i along 2 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
  return
}

// -----

func.func @gather_result(%x: tensor<9x4xf32>, %i: tensor<6xi64>) {
  // expected-error @+1 {{result is 'tensor<6x4xf32>', expected 'tensor<9x6xf32>': the operand with the indices' axes in the place of the axis}}
  %0 = dl.gather %x at %i along 1 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
  return
}

// -----

func.func @gather_by_floats(%x: tensor<9x4xf32>, %i: tensor<6xf32>) {
  // expected-error @+1 {{operand #1 must be statically shaped tensor of 32-bit signless integer or 64-bit signless integer or 8-bit unsigned integer values}}
  %0 = dl.gather %x at %i along 0 : tensor<9x4xf32>, tensor<6xf32> -> tensor<6x4xf32>
  return
}

// -----

func.func @scatter_axis(%x: tensor<9xf32>, %i: tensor<6xi64>, %u: tensor<6xf32>) {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.scatter_add %x at %i with %u along 1 : tensor<9xf32>, tensor<6xi64>, tensor<6xf32>
  return
}

// -----

func.func @scatter_updates(%x: tensor<9x4xf32>, %i: tensor<6xi64>, %u: tensor<4x6xf32>) {
  // expected-error @+1 {{updates are 'tensor<4x6xf32>', expected 'tensor<6x4xf32>': the operand with the indices' axes in the place of the axis}}
  %0 = dl.scatter_add %x at %i with %u along 0 : tensor<9x4xf32>, tensor<6xi64>, tensor<4x6xf32>
  return
}

// -----

func.func @argsort_axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.argsort %x along 1 : tensor<4xf32> -> tensor<4xi64>
  return
}

// -----

func.func @slice_starts(%x: tensor<9x4xf32>, %i: tensor<i64>) {
  // expected-error @+1 {{has 1 starts, expected one for each of 2 axes}}
  %0 = dl.dynamic_slice %x at (%i) along [0, 1] : tensor<9x4xf32>, tensor<i64> -> tensor<2x3xf32>
  return
}

// -----

func.func @argsort_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{result is 'tensor<4xi32>', expected 'tensor<4xi64>': a place for each element}}
  %0 = dl.argsort %x along 0 : tensor<4xf32> -> tensor<4xi32>
  return
}

// -----

func.func @slice_size(%x: tensor<9x4xf32>, %i: tensor<i64>) {
  // expected-error @+1 {{result has size 3 along axis 1, expected 4}}
  %0 = dl.dynamic_slice %x at (%i) along [0] : tensor<9x4xf32>, tensor<i64> -> tensor<2x3xf32>
  return
}

// -----

func.func @update_size(%x: tensor<9x4xf32>, %u: tensor<10x4xf32>, %i: tensor<i64>) {
  // expected-error @+1 {{update has size 10 along axis 0, expected at most 9}}
  %0 = dl.dynamic_update %x with %u at (%i) along [0] : tensor<9x4xf32>, tensor<10x4xf32>, tensor<i64>
  return
}

// -----

func.func @update_rank(%x: tensor<9x4xf32>, %u: tensor<4xf32>, %i: tensor<i64>) {
  // expected-error @+1 {{update has rank 1, expected 2, the operand's}}
  %0 = dl.dynamic_update %x with %u at (%i) along [0] : tensor<9x4xf32>, tensor<4xf32>, tensor<i64>
  return
}

// -----

func.func @update_elements(%x: tensor<9x4xf32>, %u: tensor<1x4xf64>, %i: tensor<i64>) {
  // expected-error @+1 {{update has elements of 'f64', expected 'f32'}}
  %0 = dl.dynamic_update %x with %u at (%i) along [0] : tensor<9x4xf32>, tensor<1x4xf64>, tensor<i64>
  return
}

// -----

func.func @update_bools(%x: tensor<9xi1>, %u: tensor<1xi1>, %i: tensor<i64>) {
  // expected-error @+1 {{adds bools, expected numbers}}
  %0 = dl.dynamic_update add %x with %u at (%i) along [0] : tensor<9xi1>, tensor<1xi1>, tensor<i64>
  return
}
