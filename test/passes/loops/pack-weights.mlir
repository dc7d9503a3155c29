// RUN: dlc-opt %s --dl-pack-weights --dl-shrink-loops --canonicalize | FileCheck %s

// The matrix of 64 columns as two panels of 32, in which the loop sees it.
// CHECK-LABEL: func.func @pack
// CHECK: %[[S:.*]] = dl.reshape %arg1 : tensor<64x48xf32> -> tensor<2x32x48xf32>
// CHECK: %[[P:.*]] = dl.transpose %[[S]] by [0, 2, 1] : tensor<2x32x48xf32> -> tensor<2x48x32xf32>
// CHECK: dl.scan 5 carry(%arg0) slices() invariants(%[[P]])
// CHECK: %[[T:.*]] = dl.transpose %{{.*}} by [0, 2, 1] : tensor<2x48x32xf32> -> tensor<2x32x48xf32>
// CHECK: %[[V:.*]] = dl.reshape %[[T]] : tensor<2x32x48xf32> -> tensor<64x48xf32>
// CHECK: dl.contract "nk,mk->nm" %{{.*}}, %[[V]] : tensor<8x48xf32>, tensor<64x48xf32> -> tensor<8x64xf32>
func.func @pack(%s: tensor<8x64xf32>, %w: tensor<64x48xf32>) -> tensor<8x64xf32> {
  %a = dl.scan 5 carry(%s) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<8x64xf32>, %v: tensor<64x48xf32>):
    %h = dl.slice %c from [0, 0] step [1, 1] : tensor<8x64xf32> -> tensor<8x48xf32>
    %p = dl.contract "nk,mk->nm" %h, %v : tensor<8x48xf32>, tensor<64x48xf32> -> tensor<8x64xf32>
    dl.yield %p : tensor<8x64xf32>
  } : (tensor<8x64xf32>, tensor<64x48xf32>) -> tensor<8x64xf32>
  return %a : tensor<8x64xf32>
}

// Rows of a movement of the invariant; the matrix on the left, f64: panels of 16.
// CHECK-LABEL: func.func @moved
// CHECK: dl.slice %arg1
// CHECK: dl.transpose %{{.*}} by [1, 0, 2] : tensor<32x2x16xf64> -> tensor<2x32x16xf64>
// CHECK: dl.transpose %{{.*}} by [1, 0, 2] : tensor<2x32x16xf64> -> tensor<32x2x16xf64>
// CHECK: dl.contract "km,kn->mn" %{{.*}}, %{{.*}} : tensor<32x32xf64>, tensor<32x8xf64> -> tensor<32x8xf64>
func.func @moved(%s: tensor<32x8xf64>, %w: tensor<40x32xf64>) -> tensor<32x8xf64> {
  %a = dl.scan 5 carry(%s) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<32x8xf64>, %v: tensor<40x32xf64>):
    %t = dl.slice %v from [8, 0] step [1, 1] : tensor<40x32xf64> -> tensor<32x32xf64>
    %p = dl.contract "km,kn->mn" %t, %c : tensor<32x32xf64>, tensor<32x8xf64> -> tensor<32x8xf64>
    dl.yield %p : tensor<32x8xf64>
  } : (tensor<32x8xf64>, tensor<40x32xf64>) -> tensor<32x8xf64>
  return %a : tensor<32x8xf64>
}

// One row alone, columns that are no whole panels, a loop of three iterations: nothing happens.
// CHECK-LABEL: func.func @alone
// CHECK-NOT: dl.reshape
// CHECK: return
func.func @alone(%s: tensor<1x64xf32>, %t: tensor<8x60xf32>, %u: tensor<8x64xf32>, %w: tensor<64x64xf32>, %v: tensor<60x60xf32>)
    -> (tensor<1x64xf32>, tensor<8x60xf32>, tensor<8x64xf32>) {
  %a:2 = dl.scan 5 carry(%s, %t) slices() invariants(%w, %v) {
  ^bb0(%i: tensor<i64>, %c: tensor<1x64xf32>, %d: tensor<8x60xf32>, %x: tensor<64x64xf32>, %y: tensor<60x60xf32>):
    %p = dl.contract "nk,mk->nm" %c, %x : tensor<1x64xf32>, tensor<64x64xf32> -> tensor<1x64xf32>
    %q = dl.contract "nk,mk->nm" %d, %y : tensor<8x60xf32>, tensor<60x60xf32> -> tensor<8x60xf32>
    dl.yield %p, %q : tensor<1x64xf32>, tensor<8x60xf32>
  } : (tensor<1x64xf32>, tensor<8x60xf32>, tensor<64x64xf32>, tensor<60x60xf32>) -> (tensor<1x64xf32>, tensor<8x60xf32>)
  %b = dl.scan 3 carry(%u) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<8x64xf32>, %x: tensor<64x64xf32>):
    %p = dl.contract "nk,mk->nm" %c, %x : tensor<8x64xf32>, tensor<64x64xf32> -> tensor<8x64xf32>
    dl.yield %p : tensor<8x64xf32>
  } : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  return %a#0, %a#1, %b : tensor<1x64xf32>, tensor<8x60xf32>, tensor<8x64xf32>
}
