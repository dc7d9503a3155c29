// RUN: dlc-opt %s --dl-sum-after-loops | FileCheck %s

// The weight's gradient is one product, the bias' one sum of what is stacked for it; the slices' cotangent one product.
// CHECK-LABEL: func.func @back
// CHECK: %[[S:.*]]:2 = dl.scan 7 reverse carry(%arg0) slices(%arg1) invariants(%arg2)
// CHECK-NOT: dl.contract "mk,mn->kn"
// CHECK: %[[W:.*]] = dl.contract "Amk,Amn->kn" %arg1, %[[S]]#1 : tensor<7x3x4xf32>, tensor<7x3x5xf32> -> tensor<4x5xf32>
// CHECK: %[[DW:.*]] = dl.add %arg3, %[[W]]
// CHECK: %[[DX:.*]] = dl.contract "Amn,kn->Amk" %[[S]]#1, %arg2
// CHECK: %[[B:.*]] = dl.reduce sum %[[S]]#1 over [0, 1]
// CHECK: %[[DB:.*]] = dl.add %arg4, %[[B]]
// CHECK: return %[[S]]#0, %[[DW]], %[[DB]], %[[DX]]
func.func @back(%h: tensor<3x5xf32>, %xs: tensor<7x3x4xf32>, %u: tensor<4x5xf32>, %w: tensor<4x5xf32>, %b: tensor<5xf32>)
    -> (tensor<3x5xf32>, tensor<4x5xf32>, tensor<5xf32>, tensor<7x3x4xf32>) {
  %a:4 = dl.scan 7 reverse carry(%h, %w, %b) slices(%xs) invariants(%u) {
  ^bb0(%i: tensor<i64>, %c: tensor<3x5xf32>, %dw: tensor<4x5xf32>, %db: tensor<5xf32>, %x: tensor<3x4xf32>, %v: tensor<4x5xf32>):
    %g = dl.tanh %c : tensor<3x5xf32>
    %p = dl.contract "mk,mn->kn" %x, %g : tensor<3x4xf32>, tensor<3x5xf32> -> tensor<4x5xf32>
    %dw1 = dl.add %dw, %p : tensor<4x5xf32>
    %r = dl.reduce sum %g over [0] : tensor<3x5xf32> -> tensor<5xf32>
    %db1 = dl.add %db, %r : tensor<5xf32>
    %dx = dl.contract "mn,kn->mk" %g, %v : tensor<3x5xf32>, tensor<4x5xf32> -> tensor<3x4xf32>
    dl.yield %g, %dw1, %db1, %dx : tensor<3x5xf32>, tensor<4x5xf32>, tensor<5xf32>, tensor<3x4xf32>
  } : (tensor<3x5xf32>, tensor<4x5xf32>, tensor<5xf32>, tensor<7x3x4xf32>, tensor<4x5xf32>) -> (tensor<3x5xf32>, tensor<4x5xf32>, tensor<5xf32>, tensor<7x3x4xf32>)
  return %a#0, %a#1, %a#2, %a#3 : tensor<3x5xf32>, tensor<4x5xf32>, tensor<5xf32>, tensor<7x3x4xf32>
}

// The sum so far is read in the loop.
// CHECK-LABEL: func.func @running
// CHECK: dl.scan
// CHECK: dl.contract "mk,mn->kn"
// CHECK-NOT: dl.contract
func.func @running(%h: tensor<3x5xf32>, %xs: tensor<7x3x4xf32>, %w: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<3x5xf32>) {
  %a:2 = dl.scan 7 carry(%w, %h) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %dw: tensor<4x5xf32>, %c: tensor<3x5xf32>, %x: tensor<3x4xf32>):
    %p = dl.contract "mk,mn->kn" %x, %c : tensor<3x4xf32>, tensor<3x5xf32> -> tensor<4x5xf32>
    %dw1 = dl.add %dw, %p : tensor<4x5xf32>
    %s = dl.reduce sum %dw over [0] : tensor<4x5xf32> -> tensor<5xf32>
    %t = dl.broadcast %s to [1] : tensor<5xf32> -> tensor<3x5xf32>
    dl.yield %dw1, %t : tensor<4x5xf32>, tensor<3x5xf32>
  } : (tensor<4x5xf32>, tensor<3x5xf32>, tensor<7x3x4xf32>) -> (tensor<4x5xf32>, tensor<3x5xf32>)
  return %a#0, %a#1 : tensor<4x5xf32>, tensor<3x5xf32>
}
