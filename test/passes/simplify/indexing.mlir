// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Parts at computed places.

// CHECK-LABEL: func.func @known
// CHECK-NEXT: dl.slice %arg0 from [2, 0] step [1, 1]
// CHECK-NEXT: return
func.func @known(%x: tensor<9x4xf32>) -> tensor<3x4xf32> {
  %i = dl.constant dense<2> : tensor<i64>
  %y = dl.dynamic_slice %x at (%i) along [0] : tensor<9x4xf32>, tensor<i64> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// A start outside stays, for the check that stands before.
// CHECK-LABEL: func.func @outside
// CHECK: dl.dynamic_slice
func.func @outside(%x: tensor<9x4xf32>) -> tensor<3x4xf32> {
  %i = dl.constant dense<7> : tensor<i64>
  %y = dl.dynamic_slice %x at (%i) along [0] : tensor<9x4xf32>, tensor<i64> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @sums
// CHECK-NEXT: dl.dynamic_update add %arg0 with %arg1 at(%arg2) along [0]
// CHECK-NEXT: return
func.func @sums(%c: tensor<9x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i64>) -> tensor<9x4xf32> {
  %zero = dl.constant dense<0.0> : tensor<9x4xf32>
  %part = dl.dynamic_update add %zero with %u at (%i) along [0] : tensor<9x4xf32>, tensor<1x4xf32>, tensor<i64>
  %y = dl.add %c, %part : tensor<9x4xf32>
  return %y : tensor<9x4xf32>
}

// An update of something else is a sum of its own.
// CHECK-LABEL: func.func @other
// CHECK: dl.dynamic_update
// CHECK: dl.add
func.func @other(%c: tensor<9x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i64>, %x: tensor<9x4xf32>) -> tensor<9x4xf32> {
  %part = dl.dynamic_update %x with %u at (%i) along [0] : tensor<9x4xf32>, tensor<1x4xf32>, tensor<i64>
  %y = dl.add %c, %part : tensor<9x4xf32>
  return %y : tensor<9x4xf32>
}

// Rows in another order: the places are, and the table stays. A row's own axis is no place.
// CHECK-LABEL: func.func @rows
// CHECK: %[[P:.*]] = dl.transpose %arg1 by [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>
// CHECK: %[[R:.*]] = dl.gather %arg0 at %[[P]] along 0 : tensor<9x4xf32>, tensor<3x2xi32> -> tensor<3x2x4xf32>
// CHECK: %[[G:.*]] = dl.gather %arg0 at %arg1 along 0
// CHECK: %[[T:.*]] = dl.transpose %[[G]] by [2, 0, 1]
// CHECK: return %[[R]], %[[T]]
func.func @rows(%t: tensor<9x4xf32>, %i: tensor<2x3xi32>) -> (tensor<3x2x4xf32>, tensor<4x2x3xf32>) {
  %a = dl.gather %t at %i along 0 : tensor<9x4xf32>, tensor<2x3xi32> -> tensor<2x3x4xf32>
  %b = dl.transpose %a by [1, 0, 2] : tensor<2x3x4xf32> -> tensor<3x2x4xf32>
  %c = dl.gather %t at %i along 0 : tensor<9x4xf32>, tensor<2x3xi32> -> tensor<2x3x4xf32>
  %d = dl.transpose %c by [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  return %b, %d : tensor<3x2x4xf32>, tensor<4x2x3xf32>
}

// A product that wants the rows in another order, for its result or for its sum: it moves the places too.
// CHECK-LABEL: func.func @product_of_rows
// CHECK: %[[P:.*]] = dl.transpose %arg1 by [1, 0]
// CHECK: %[[R:.*]] = dl.gather %arg0 at %[[P]] along 0
// CHECK: dl.contract "amk,nk->amn" %[[R]], %arg2
// CHECK: dl.contract "amn,amk->nk" %arg3, %[[R]]
func.func @product_of_rows(%t: tensor<9x4xf32>, %i: tensor<2x3xi32>, %w: tensor<5x4xf32>, %d: tensor<3x2x5xf32>)
    -> (tensor<3x2x5xf32>, tensor<5x4xf32>) {
  %a = dl.gather %t at %i along 0 : tensor<9x4xf32>, tensor<2x3xi32> -> tensor<2x3x4xf32>
  %b = dl.contract "mak,nk->amn" %a, %w : tensor<2x3x4xf32>, tensor<5x4xf32> -> tensor<3x2x5xf32>
  %c = dl.contract "amn,mak->nk" %d, %a : tensor<3x2x5xf32>, tensor<2x3x4xf32> -> tensor<5x4xf32>
  return %b, %c : tensor<3x2x5xf32>, tensor<5x4xf32>
}

// Of what is the same everywhere it does not matter where.
// CHECK-LABEL: func.func @part_of_splat
// CHECK: dl.constant dense<2.000000e+00> : tensor<1x4xf32>
// CHECK-NOT: dl.dynamic_slice
func.func @part_of_splat(%i: tensor<i64>) -> tensor<1x4xf32> {
  %c = dl.constant dense<2.0> : tensor<9x4xf32>
  %p = dl.dynamic_slice %c at (%i) along [0] : tensor<9x4xf32>, tensor<i64> -> tensor<1x4xf32>
  return %p : tensor<1x4xf32>
}
