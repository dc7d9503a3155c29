// What linear algebra refuses.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics

func.func @operands(%a: tensor<4x4xf64>) {
  // expected-error @+1 {{`solve` has 1 operands, expected 2}}
  %0 = dl.linalg solve(%a) : (tensor<4x4xf64>) -> tensor<4x4xf64>
  return
}

// -----

func.func @vector(%a: tensor<4xf64>) {
  // expected-error @+1 {{operand is 'tensor<4xf64>', expected matrices: at least 2 axes}}
  %0 = dl.linalg cholesky(%a) : (tensor<4xf64>) -> tensor<4xf64>
  return
}

// -----

func.func @batches(%a: tensor<2x4x4xf64>, %b: tensor<3x4x1xf64>) {
  // expected-error @+1 {{operands are 'tensor<2x4x4xf64>' and 'tensor<3x4x1xf64>', expected one element type and equal leading axes}}
  %0 = dl.linalg solve(%a, %b) : (tensor<2x4x4xf64>, tensor<3x4x1xf64>) -> tensor<3x4x1xf64>
  return
}

// -----

func.func @square(%a: tensor<4x3xf64>) {
  // expected-error @+1 {{`cholesky` of 'tensor<4x3xf64>', expected square matrices}}
  %0 = dl.linalg cholesky(%a) : (tensor<4x3xf64>) -> tensor<4x3xf64>
  return
}

// -----

func.func @rows(%a: tensor<4x4xf64>, %b: tensor<3x1xf64>) {
  // expected-error @+1 {{operands are 'tensor<4x4xf64>' and 'tensor<3x1xf64>', expected as many rows}}
  %0 = dl.linalg solve(%a, %b) : (tensor<4x4xf64>, tensor<3x1xf64>) -> tensor<3x1xf64>
  return
}

// -----

func.func @lower(%a: tensor<4x4xf64>) {
  // expected-error @+1 {{`cholesky` is `lower` or `unit`, which `triangular` alone can be}}
  %0 = dl.linalg cholesky(%a) lower : (tensor<4x4xf64>) -> tensor<4x4xf64>
  return
}

// -----

func.func @results(%a: tensor<4x3xf64>) {
  // expected-error @+1 {{results are 'tensor<4x4xf64>', 'tensor<4x3xf64>', expected 'tensor<4x3xf64>', 'tensor<3x3xf64>'}}
  %0:2 = dl.linalg qr(%a) : (tensor<4x3xf64>) -> (tensor<4x4xf64>, tensor<4x3xf64>)
  return
}
