// RUN: dlc-opt %s --dl-hoist-invariants | FileCheck %s

// The exponential is computed once; the broadcast of it stays, it is free.
// CHECK-LABEL: func.func @once
// CHECK: %[[E:.*]] = dl.exp %arg1
// CHECK: dl.scan 5 carry(%arg0) slices() invariants(%arg1, %[[E]]
// CHECK: dl.broadcast
// CHECK-NOT: dl.exp
func.func @once(%s: tensor<3x4xf32>, %k: tensor<4xf32>) -> tensor<3x4xf32> {
  %a = dl.scan 5 carry(%s) slices() invariants(%k) {
  ^bb0(%i: tensor<i64>, %c: tensor<3x4xf32>, %p: tensor<4xf32>):
    %e = dl.exp %p : tensor<4xf32>
    %b = dl.broadcast %e to [1] : tensor<4xf32> -> tensor<3x4xf32>
    %d = dl.mul %c, %b : tensor<3x4xf32>
    dl.yield %d : tensor<3x4xf32>
  } : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %a : tensor<3x4xf32>
}

// A check stays, and what relies on it; so does what the index goes into.
// CHECK-LABEL: func.func @stays
// CHECK-NEXT: dl.scan
// CHECK: dl.check_index
// CHECK: dl.gather
// CHECK: dl.cast
func.func @stays(%s: tensor<f32>, %k: tensor<i64>, %t: tensor<4xf32>) -> tensor<f32> {
  %a = dl.scan 5 carry(%s) slices() invariants(%k, %t) {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %p: tensor<i64>, %table: tensor<4xf32>):
    %q = dl.check_index %p below 4 what "k" : tensor<i64>
    %e = dl.gather %table at %q along 0 : tensor<4xf32>, tensor<i64> -> tensor<f32>
    %n = dl.cast %i : tensor<i64> -> tensor<f32>
    %m = dl.mul %e, %n : tensor<f32>
    %d = dl.add %c, %m : tensor<f32>
    dl.yield %d : tensor<f32>
  } : (tensor<f32>, tensor<i64>, tensor<4xf32>) -> tensor<f32>
  return %a : tensor<f32>
}
