// Loops and branches on computed values are refused before code is generated for them: dl.scan, dl.if, dl.while.
// RUN: dlc-opt %s --dl-fuse-kernels -split-input-file -verify-diagnostics

func.func @loop(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{not supported yet: a loop in compiled code}}
  %y = dl.scan 3 carry (%x) slices () invariants () {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>):
    %d = dl.add %c, %c : tensor<f32>
    dl.yield %d : tensor<f32>
  } : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @branch(%m: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{not supported yet: a branch on a computed value in compiled code}}
  %y = dl.if %m, (%x) {
  ^bb0(%a: tensor<f32>):
    dl.yield %a : tensor<f32>
  } else {
  ^bb0(%a: tensor<f32>):
    %b = dl.neg %a : tensor<f32>
    dl.yield %b : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @until(%x: tensor<f32>, %limit: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{not supported yet: a loop in compiled code}}
  %y = dl.while carry (%x) invariants (%limit) {
  ^bb0(%a: tensor<f32>, %l: tensor<f32>):
    %c = dl.compare lt %a, %l : tensor<f32> -> tensor<i1>
    dl.yield %c : tensor<i1>
  } do {
  ^bb0(%a: tensor<f32>, %l: tensor<f32>):
    %b = dl.add %a, %a : tensor<f32>
    dl.yield %b : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
