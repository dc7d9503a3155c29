// RUN: dlc-opt %s --dl-peel-last --canonicalize --cse | FileCheck %s

// Only the last scores are read: the loop keeps the states.
// CHECK-LABEL: func.func @scores
// CHECK: %[[X:.*]] = dl.slice %arg1 from [0, 0, 0] step [1, 1, 1] : tensor<9x2x4xf32> -> tensor<8x2x4xf32>
// CHECK: %[[H:.*]] = dl.scan 8 carry(%arg0) slices(%[[X]]) invariants(%arg3)
// CHECK-NOT: dl.contract "nk,km->nm" %{{.*}} -> tensor<2x3xf32>
// CHECK: } : (
// CHECK: dl.slice %arg1 from [8, 0, 0]
// CHECK: %[[S:.*]] = dl.contract "nk,km->nm" %[[H]], %arg2 : tensor<2x4xf32>, tensor<4x3xf32> -> tensor<2x3xf32>
// CHECK-NOT: dl.contract
// CHECK: return %[[S]]
func.func @scores(%h: tensor<2x4xf32>, %x: tensor<9x2x4xf32>, %v: tensor<4x3xf32>, %w: tensor<4x4xf32>, %s: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x4xf32>) {
  %a:3 = dl.scan 9 carry(%s, %h, %h) slices(%x) invariants(%v, %w) {
  ^bb0(%i: tensor<i64>, %t: tensor<2x3xf32>, %c: tensor<2x4xf32>, %last: tensor<2x4xf32>, %y: tensor<2x4xf32>, %p: tensor<4x3xf32>, %q: tensor<4x4xf32>):
    %n = dl.contract "nk,km->nm" %c, %p : tensor<2x4xf32>, tensor<4x3xf32> -> tensor<2x3xf32>
    %m = dl.contract "nk,km->nm" %c, %q : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
    %k = dl.add %m, %y : tensor<2x4xf32>
    dl.yield %n, %k, %y : tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  } : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<9x2x4xf32>, tensor<4x3xf32>, tensor<4x4xf32>) -> (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  return %a#0, %a#2 : tensor<2x3xf32>, tensor<2x4xf32>
}

// Backward, the last iteration has the first entry, which is not needed here.
// CHECK-LABEL: func.func @backward
// CHECK: dl.slice %arg1 from [1, 0, 0]
// CHECK: dl.scan 8 reverse
// CHECK: %[[S:.*]] = dl.contract
// CHECK: return %[[S]]
func.func @backward(%h: tensor<2x4xf32>, %x: tensor<9x2x4xf32>, %v: tensor<4x3xf32>, %s: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a:2 = dl.scan 9 reverse carry(%s, %h) slices(%x) invariants(%v) {
  ^bb0(%i: tensor<i64>, %t: tensor<2x3xf32>, %c: tensor<2x4xf32>, %y: tensor<2x4xf32>, %p: tensor<4x3xf32>):
    %n = dl.contract "nk,km->nm" %c, %p : tensor<2x4xf32>, tensor<4x3xf32> -> tensor<2x3xf32>
    %k = dl.add %c, %y : tensor<2x4xf32>
    dl.yield %n, %k : tensor<2x3xf32>, tensor<2x4xf32>
  } : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<9x2x4xf32>, tensor<4x3xf32>) -> (tensor<2x3xf32>, tensor<2x4xf32>)
  return %a#0 : tensor<2x3xf32>
}

// The state is read in the loop; what is made at the end is cheap, or made for the state anyway; a loop that stacks.
// CHECK-LABEL: func.func @nothing
// CHECK: dl.scan 9
// CHECK: dl.scan 9
// CHECK: dl.scan 9
func.func @nothing(%h: tensor<2x4xf32>, %w: tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<9x2x4xf32>) {
  %a:2 = dl.scan 9 carry(%h, %h) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %t: tensor<2x4xf32>, %c: tensor<2x4xf32>, %p: tensor<4x4xf32>):
    %n = dl.contract "nk,km->nm" %c, %p : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
    %r = dl.relu %n : tensor<2x4xf32>
    dl.yield %r, %n : tensor<2x4xf32>, tensor<2x4xf32>
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %b:2 = dl.scan 9 carry(%h, %h) slices() invariants() {
  ^bb0(%i: tensor<i64>, %t: tensor<2x4xf32>, %c: tensor<2x4xf32>):
    %n = dl.tanh %c : tensor<2x4xf32>
    %m = dl.relu %c : tensor<2x4xf32>
    dl.yield %n, %m : tensor<2x4xf32>, tensor<2x4xf32>
  } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %d:3 = dl.scan 9 carry(%h, %h) slices() invariants(%w) {
  ^bb0(%i: tensor<i64>, %t: tensor<2x4xf32>, %c: tensor<2x4xf32>, %p: tensor<4x4xf32>):
    %n = dl.contract "nk,km->nm" %c, %p : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
    %m = dl.relu %c : tensor<2x4xf32>
    dl.yield %n, %m, %m : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<9x2x4xf32>)
  return %a#0, %b#0, %d#0, %d#2 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<9x2x4xf32>
}
