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

func.func @call(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{cannot stand in a kernel}}
  %y = dl.call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
