// RUN: dlc-opt %s --dl-shrink-loops --canonicalize | FileCheck %s

// %p never changes, %q is read by nobody, the second stack neither; the row at the index is a slice.
// CHECK-LABEL: func.func @shrink
// CHECK: %[[S:.*]]:2 = dl.scan 5 carry(%arg0) slices(%arg2) invariants(%arg1) {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i64>, %[[C:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: tensor<4xf32>):
// CHECK-NOT: dl.exp
// CHECK: dl.yield %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>
// CHECK: return %[[S]]#0, %[[S]]#1, %arg1
func.func @shrink(%s: tensor<4xf32>, %k: tensor<4xf32>, %xs: tensor<5x4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>, tensor<4xf32>) {
  %a:5 = dl.scan 5 carry(%s, %k, %s) slices() invariants(%xs) {
  ^bb0(%i: tensor<i64>, %c: tensor<4xf32>, %p: tensor<4xf32>, %q: tensor<4xf32>, %all: tensor<5x4xf32>):
    %row = dl.dynamic_slice %all at (%i) along [0] : tensor<5x4xf32>, tensor<i64> -> tensor<1x4xf32>
    %x = dl.reshape %row : tensor<1x4xf32> -> tensor<4xf32>
    %d = dl.add %c, %x : tensor<4xf32>
    %e = dl.mul %d, %p : tensor<4xf32>
    %f = dl.exp %q : tensor<4xf32>
    dl.yield %e, %p, %f, %e, %f : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<5x4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<5x4xf32>, tensor<5x4xf32>)
  return %a#0, %a#3, %a#1 : tensor<4xf32>, tensor<5x4xf32>, tensor<4xf32>
}

// All is read: the second carried value only by the first. The window moves by more than its size: no slices.
// CHECK-LABEL: func.func @needed
// CHECK: dl.scan 4 carry(%arg0, %arg0) slices() invariants(%arg1)
// CHECK: dl.dynamic_slice
func.func @needed(%s: tensor<4xf32>, %xs: tensor<5x4xf32>) -> tensor<4xf32> {
  %a:2 = dl.scan 4 carry(%s, %s) slices() invariants(%xs) {
  ^bb0(%i: tensor<i64>, %c: tensor<4xf32>, %p: tensor<4xf32>, %all: tensor<5x4xf32>):
    %row = dl.dynamic_slice %all at (%i) along [0] : tensor<5x4xf32>, tensor<i64> -> tensor<1x4xf32>
    %x = dl.reshape %row : tensor<1x4xf32> -> tensor<4xf32>
    %d = dl.add %c, %p : tensor<4xf32>
    %e = dl.mul %p, %x : tensor<4xf32>
    dl.yield %d, %e : tensor<4xf32>, tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>, tensor<5x4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %a#0 : tensor<4xf32>
}

// The entries of %xs are stacked as they are.
// CHECK-LABEL: func.func @pass_on
// CHECK: %[[S:.*]] = dl.scan 5 carry(%arg0) slices(%arg1)
// CHECK: return %[[S]], %arg1
func.func @pass_on(%s: tensor<4xf32>, %xs: tensor<5x4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %a:2 = dl.scan 5 carry(%s) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<4xf32>, %x: tensor<4xf32>):
    %d = dl.add %c, %x : tensor<4xf32>
    dl.yield %d, %x : tensor<4xf32>, tensor<4xf32>
  } : (tensor<4xf32>, tensor<5x4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>)
  return %a#0, %a#1 : tensor<4xf32>, tensor<5x4xf32>
}

// Behind the break, the stack is zero.
// CHECK-LABEL: func.func @pass_on_until
// CHECK: %[[S:.*]]:2 = dl.scan 5 breaks carry(%arg0) slices(%arg1)
// CHECK: return %[[S]]#0, %[[S]]#1
func.func @pass_on_until(%s: tensor<f32>, %xs: tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>) {
  %a:2 = dl.scan 5 breaks carry(%s) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    %d = dl.add %c, %x : tensor<f32>
    %stop = dl.compare gt %d, %x : tensor<f32> -> tensor<i1>
    dl.yield %stop, %d, %x : tensor<i1>, tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<5xf32>) -> (tensor<f32>, tensor<5xf32>)
  return %a#0, %a#1 : tensor<f32>, tensor<5xf32>
}
