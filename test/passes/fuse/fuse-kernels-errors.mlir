// RUN: dlc-opt %s --dl-fuse-kernels -split-input-file -verify-diagnostics

func.func @call(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{cannot stand in a kernel}}
  %y = dl.call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
