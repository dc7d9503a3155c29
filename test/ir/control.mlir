// Calls, branches, loops and gradients read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

func.func private @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dl.mul %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @call
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: dl.call @square(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>
  %0 = dl.call @square(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @if
func.func @if(%c: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  // CHECK: dl.if %{{.*}}, (%{{.*}}) {
  // CHECK-NEXT: ^bb0(%[[U:.*]]: tensor<f32>):
  // CHECK-NEXT: dl.yield %[[U]] : tensor<f32>
  // CHECK-NEXT: } else {
  // CHECK: } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } else {
  ^bb0(%u: tensor<f32>):
    %n = dl.neg %u : tensor<f32>
    dl.yield %n : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @scan
func.func @scan(%z: tensor<f32>, %xs: tensor<3xf32>, %w: tensor<f32>) -> (tensor<f32>, tensor<3xf32>) {
  // CHECK: dl.scan 3 reverse carry(%{{.*}}) slices(%{{.*}}) invariants(%{{.*}}) {
  // CHECK: } : (tensor<f32>, tensor<3xf32>, tensor<f32>) -> (tensor<f32>, tensor<3xf32>)
  %0:2 = dl.scan 3 reverse carry(%z) slices(%xs) invariants(%w) {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>, %v: tensor<f32>):
    %y = dl.mul %x, %v : tensor<f32>
    %n = dl.add %c, %y : tensor<f32>
    dl.yield %n, %y : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>, tensor<f32>) -> (tensor<f32>, tensor<3xf32>)
  return %0#0, %0#1 : tensor<f32>, tensor<3xf32>
}

// CHECK-LABEL: @scan_with_break
func.func @scan_with_break(%z: tensor<f32>) -> tensor<f32> {
  // CHECK: dl.scan 5 breaks carry(%{{.*}}) slices() invariants() {
  %0 = dl.scan 5 breaks carry(%z) slices() invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>):
    %two = dl.constant dense<2.0> : tensor<f32>
    %n = dl.mul %c, %two : tensor<f32>
    %stop = dl.compare gt %n, %two : tensor<f32> -> tensor<i1>
    dl.yield %stop, %n : tensor<i1>, tensor<f32>
  } : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @print
func.func @print(%x: tensor<3xf32>) {
  // CHECK: dl.print {{\[\[}}"x"], ["", ""{{\]\]}}(%{{.*}}) : tensor<3xf32>
  dl.print [["x"], ["", ""]] (%x) : tensor<3xf32>
  // CHECK: dl.print {{\[\[}}"end"{{\]\]$}}
  dl.print [["end"]]
  return
}

// CHECK-LABEL: @jvp
func.func @jvp(%x: tensor<f32>, %dx: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  // CHECK: dl.jvp(%{{.*}}), (%{{.*}}) {
  %0:2 = dl.jvp (%x), (%dx) {
  ^bb0(%u: tensor<f32>):
    %y = dl.mul %u, %u : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#0, %0#1 : tensor<f32>, tensor<f32>
}

// CHECK-LABEL: @while
func.func @while(%x: tensor<f32>, %limit: tensor<f32>) -> tensor<f32> {
  // CHECK: dl.while carry(%{{.*}}) invariants(%{{.*}}) {
  // CHECK: } do {
  // CHECK: } : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %0 = dl.while carry(%x) invariants(%limit) {
  ^bb0(%u: tensor<f32>, %l: tensor<f32>):
    %more = dl.compare lt %u, %l : tensor<f32> -> tensor<i1>
    dl.yield %more : tensor<i1>
  } do {
  ^bb0(%u: tensor<f32>, %l: tensor<f32>):
    %n = dl.add %u, %u : tensor<f32>
    dl.yield %n : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// A gradient sees what is outside.
// CHECK-LABEL: @grad
func.func @grad(%x: tensor<f32>, %w: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  %one = dl.constant dense<1.0> : tensor<f32>
  // CHECK: dl.grad(%{{.*}}), (%{{.*}}) aux 1 {
  // CHECK: } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  %0:3 = dl.grad (%x), (%one) aux 1 {
  ^bb0(%u: tensor<f32>):
    %y = dl.mul %u, %w : tensor<f32>
    dl.yield %y, %u : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return %0#0, %0#1, %0#2 : tensor<f32>, tensor<f32>, tensor<f32>
}
