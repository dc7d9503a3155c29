// Branches, loops without bound, and indices that a loop keeps within bounds.
// RUN: dlc-opt %s --dl-simplify --split-input-file | FileCheck %s

// The flag of a `while` that nothing sets is no variable of it; constants stand inside.
// CHECK-LABEL: func.func @flag
// CHECK: dl.while carry(%arg0) invariants() {
// CHECK:   dl.constant dense<1.000000e+00>
// CHECK:   dl.compare gt
// CHECK: } do {
func.func @flag(%x: tensor<f32>) -> tensor<f32> {
  %never = dl.constant dense<false> : tensor<i1>
  %one = dl.constant dense<1.0> : tensor<f32>
  %y:2 = dl.while carry(%x, %never) invariants(%one) {
  ^bb0(%a: tensor<f32>, %left: tensor<i1>, %limit: tensor<f32>):
    %holds = dl.if %left, (%a, %limit) {
    ^bb0(%b: tensor<f32>, %c: tensor<f32>):
      %no = dl.constant dense<false> : tensor<i1>
      dl.yield %no : tensor<i1>
    } else {
    ^bb0(%b: tensor<f32>, %c: tensor<f32>):
      %more = dl.compare gt %b, %c : tensor<f32> -> tensor<i1>
      dl.yield %more : tensor<i1>
    } : (tensor<i1>, tensor<f32>, tensor<f32>) -> tensor<i1>
    dl.yield %holds : tensor<i1>
  } do {
  ^bb0(%a: tensor<f32>, %left: tensor<i1>, %limit: tensor<f32>):
    %half = dl.constant dense<0.5> : tensor<f32>
    %next = dl.mul %a, %half : tensor<f32>
    %no = dl.constant dense<false> : tensor<i1>
    dl.yield %next, %no : tensor<f32>, tensor<i1>
  } : (tensor<f32>, tensor<i1>, tensor<f32>) -> (tensor<f32>, tensor<i1>)
  return %y#0 : tensor<f32>
}

// -----

// A small branch without effect is a choice; one that sums many elements, or checks, stays.
// CHECK-LABEL: func.func @small
// CHECK-NOT: dl.if
// CHECK: dl.select
func.func @small(%c: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %y = dl.if %c, (%x) {
  ^bb0(%a: tensor<f32>):
    dl.yield %a : tensor<f32>
  } else {
  ^bb0(%a: tensor<f32>):
    %b = dl.neg %a : tensor<f32>
    dl.yield %b : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
// CHECK-LABEL: func.func @large
// CHECK: dl.if
func.func @large(%c: tensor<i1>, %x: tensor<5000xf32>) -> tensor<f32> {
  %y = dl.if %c, (%x) {
  ^bb0(%a: tensor<5000xf32>):
    %s = dl.reduce sum %a over [0] : tensor<5000xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } else {
  ^bb0(%a: tensor<5000xf32>):
    %s = dl.reduce max %a over [0] : tensor<5000xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } : (tensor<i1>, tensor<5000xf32>) -> tensor<f32>
  return %y : tensor<f32>
}
// CHECK-LABEL: func.func @checked
// CHECK: dl.if
// CHECK: dl.check_index
func.func @checked(%c: tensor<i1>, %i: tensor<i64>) -> tensor<i64> {
  %y = dl.if %c, (%i) {
  ^bb0(%a: tensor<i64>):
    %j = dl.check_index %a below 4 what "i" : tensor<i64>
    dl.yield %j : tensor<i64>
  } else {
  ^bb0(%a: tensor<i64>):
    dl.yield %a : tensor<i64>
  } : (tensor<i1>, tensor<i64>) -> tensor<i64>
  return %y : tensor<i64>
}

// -----

// Both ways alike, or the condition itself; an unused result goes.
// CHECK-LABEL: func.func @alike
// CHECK: return %arg0, %arg1
func.func @alike(%c: tensor<i1>, %x: tensor<f32>) -> (tensor<i1>, tensor<f32>) {
  %y:3 = dl.if %c, (%x) {
  ^bb0(%a: tensor<f32>):
    %yes = dl.constant dense<true> : tensor<i1>
    %b = dl.exp %a : tensor<f32>
    dl.yield %yes, %a, %b : tensor<i1>, tensor<f32>, tensor<f32>
  } else {
  ^bb0(%a: tensor<f32>):
    %no = dl.constant dense<false> : tensor<i1>
    dl.yield %no, %a, %a : tensor<i1>, tensor<f32>, tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> (tensor<i1>, tensor<f32>, tensor<f32>)
  return %y#0, %y#1 : tensor<i1>, tensor<f32>
}

// -----

// The index of a loop of four turns is in range on an axis of four, and not below 0; one more than it may not be.
// CHECK-LABEL: func.func @index
// CHECK: ^bb0(%[[I:.*]]: tensor<i64>, %[[S:[^:]*]]: tensor<f32>
// CHECK-NOT: below 4
// CHECK: dl.dynamic_slice %{{.*}} at(%[[I]])
// CHECK: dl.check_index %{{.*}} below 3
func.func @index(%x: tensor<4xf32>, %z: tensor<f32>) -> tensor<f32> {
  %s = dl.scan 4 carry(%z) slices() invariants(%x) {
  ^bb0(%i: tensor<i64>, %sum: tensor<f32>, %all: tensor<4xf32>):
    %zero = dl.constant dense<0> : tensor<i64>
    %four = dl.constant dense<4> : tensor<i64>
    %j = dl.check_index %i from -4 below 4 what "i" : tensor<i64>
    %below = dl.compare lt %j, %zero : tensor<i64> -> tensor<i1>
    %back = dl.add %j, %four : tensor<i64>
    %k = dl.select %below, %back, %j : tensor<i64>
    %v = dl.dynamic_slice %all at(%k) along [0] : tensor<4xf32>, tensor<i64> -> tensor<1xf32>
    %l = dl.check_index %i below 3 what "i" : tensor<i64>
    %w = dl.dynamic_slice %all at(%l) along [0] : tensor<4xf32>, tensor<i64> -> tensor<1xf32>
    %u = dl.add %v, %w : tensor<1xf32>
    %e = dl.reshape %u : tensor<1xf32> -> tensor<f32>
    %n = dl.add %sum, %e : tensor<f32>
    dl.yield %n : tensor<f32>
  } : (tensor<f32>, tensor<4xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// -----

// A loop of one turn is its body, one of none its beginning.
// CHECK-LABEL: func.func @once
// CHECK-NOT: dl.scan
// CHECK: dl.add
func.func @once(%x: tensor<1x2xf32>, %z: tensor<2xf32>) -> tensor<2xf32> {
  %s = dl.scan 1 carry(%z) slices(%x) invariants() {
  ^bb0(%i: tensor<i64>, %sum: tensor<2xf32>, %row: tensor<2xf32>):
    %n = dl.add %sum, %row : tensor<2xf32>
    dl.yield %n : tensor<2xf32>
  } : (tensor<2xf32>, tensor<1x2xf32>) -> tensor<2xf32>
  return %s : tensor<2xf32>
}
