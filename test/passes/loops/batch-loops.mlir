// RUN: dlc-opt %s --dl-batch-loops | FileCheck %s

// The product of the slice goes, with its bias; that of the carried value stays.
// CHECK-LABEL: func.func @cell
// CHECK: %[[P:.*]] = dl.contract "Amk,kn->Amn" %arg1, %arg2 : tensor<7x3x4xf32>, tensor<4x5xf32> -> tensor<7x3x5xf32>
// CHECK: %[[B:.*]] = dl.broadcast %{{.*}} to [1, 2] : tensor<3x5xf32> -> tensor<7x3x5xf32>
// CHECK: %[[G:.*]] = dl.add %[[P]], %[[B]]
// CHECK: dl.scan 7 carry(%arg0) slices({{.*}}%[[G]]) invariants
// CHECK: dl.contract "mk,kn->mn"
// CHECK-NOT: dl.contract
func.func @cell(%h: tensor<3x5xf32>, %xs: tensor<7x3x4xf32>, %u: tensor<4x5xf32>, %w: tensor<5x5xf32>, %b: tensor<5xf32>) -> tensor<3x5xf32> {
  %a = dl.scan 7 carry(%h) slices(%xs) invariants(%u, %w, %b) {
  ^bb0(%i: tensor<i64>, %c: tensor<3x5xf32>, %x: tensor<3x4xf32>, %v: tensor<4x5xf32>, %m: tensor<5x5xf32>, %bias: tensor<5xf32>):
    %p = dl.contract "mk,kn->mn" %x, %v : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
    %all = dl.broadcast %bias to [1] : tensor<5xf32> -> tensor<3x5xf32>
    %q = dl.add %p, %all : tensor<3x5xf32>
    %r = dl.contract "mk,kn->mn" %c, %m : tensor<3x5xf32>, tensor<5x5xf32> -> tensor<3x5xf32>
    %s = dl.add %q, %r : tensor<3x5xf32>
    %t = dl.tanh %s : tensor<3x5xf32>
    dl.yield %t : tensor<3x5xf32>
  } : (tensor<3x5xf32>, tensor<7x3x4xf32>, tensor<4x5xf32>, tensor<5x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  return %a : tensor<3x5xf32>
}

// A loop that may end early, and arithmetic without a product, stay as they are.
// CHECK-LABEL: func.func @stays
// CHECK-NEXT: dl.scan
// CHECK: dl.contract
// CHECK: dl.scan 7 carry(%{{.*}}) slices(%arg1)
// CHECK: dl.exp
func.func @stays(%h: tensor<3x4xf32>, %xs: tensor<7x3x4xf32>, %u: tensor<4x4xf32>, %done: tensor<i1>) -> tensor<3x4xf32> {
  %a = dl.scan 7 breaks carry(%h) slices(%xs) invariants(%u, %done) {
  ^bb0(%i: tensor<i64>, %c: tensor<3x4xf32>, %x: tensor<3x4xf32>, %v: tensor<4x4xf32>, %d: tensor<i1>):
    %p = dl.contract "mk,kn->mn" %x, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    %s = dl.add %c, %p : tensor<3x4xf32>
    dl.yield %d, %s : tensor<i1>, tensor<3x4xf32>
  } : (tensor<3x4xf32>, tensor<7x3x4xf32>, tensor<4x4xf32>, tensor<i1>) -> tensor<3x4xf32>
  %b = dl.scan 7 carry(%a) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<3x4xf32>, %x: tensor<3x4xf32>):
    %e = dl.exp %x : tensor<3x4xf32>
    %s = dl.add %c, %e : tensor<3x4xf32>
    dl.yield %s : tensor<3x4xf32>
  } : (tensor<3x4xf32>, tensor<7x3x4xf32>) -> tensor<3x4xf32>
  return %b : tensor<3x4xf32>
}
