// RUN: dlc-opt %s --dl-plan-buffers -split-input-file -verify-diagnostics

func.func @not_fused(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{stands outside kernels: buffers are planned after fusion}}
  %y = dl.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @+1 {{argument 0 is updated by two results}}
func.func @twice(%w: tensor<4xf32> {dl.role = "param", dl.name = "w"})
    -> (tensor<4xf32> {dl.updates = 0 : i64}, tensor<4xf32> {dl.updates = 0 : i64}) {
  %0:2 = dl.kernel "copy" map ins(%w : tensor<4xf32>) outs() {
  ^bb0(%a: tensor<4xf32>):
    %b = dl.neg %a : tensor<4xf32>
    dl.yield %a, %b : tensor<4xf32>, tensor<4xf32>
  } -> tensor<4xf32>, tensor<4xf32>
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
