// RUN: dlc-opt %s --dl-simplify | FileCheck %s
// While something is still to be differentiated, barriers stay.

// CHECK: dl.stop_gradient
func.func @barrier(%x: tensor<4xf32>, %one: tensor<4xf32>) -> tensor<4xf32> {
  %y, %dx = dl.grad (%x), (%one) aux 0 {
  ^bb0(%u: tensor<4xf32>):
    %s = dl.stop_gradient %u : tensor<4xf32>
    %e = dl.exp %s : tensor<4xf32>
    dl.yield %e : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %dx : tensor<4xf32>
}
