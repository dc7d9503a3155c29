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
