// RUN: dlc-opt %s -split-input-file -verify-diagnostics
// What the dialect's attributes of functions may say.

// expected-error @+1 {{`dl.updates` of result 0 is 9 : i64, expected the number of one of the 2 arguments, an i64}}
func.func @no_such_argument(%a: tensor<f32>, %b: tensor<f32>) -> (tensor<f32> {dl.updates = 9 : i64}) {
  return %b : tensor<f32>
}

// -----

// expected-error @+1 {{`dl.updates` of result 1 is "w", expected the number of one of the 1 arguments, an i64}}
func.func @by_name(%w: tensor<f32>) -> (tensor<f32>, tensor<f32> {dl.updates = "w"}) {
  return %w, %w : tensor<f32>, tensor<f32>
}
