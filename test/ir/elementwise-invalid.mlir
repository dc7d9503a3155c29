// What elementwise operations refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @integer_exp(%x: tensor<4xi64>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or 64-bit float or bfloat16 type values}}
  %0 = dl.exp %x : tensor<4xi64>
  return
}

// -----

func.func @unknown_size(%x: tensor<?xf32>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor}}
  %0 = dl.neg %x : tensor<?xf32>
  return
}

// -----

func.func @two_shapes(%x: tensor<4xf32>, %y: tensor<1xf32>) {
  // expected-error @+1 {{op requires the same shape for all operands and results}}
  %0 = "dl.add"(%x, %y) : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @and_of_numbers(%x: tensor<4xf32>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 1-bit signless integer values}}
  %0 = dl.and %x, %x : tensor<4xf32>
  return
}

// -----

func.func @compare_types(%x: tensor<4xf32>, %y: tensor<4xf64>) {
  // expected-error @+1 {{op requires all operands to have the same type}}
  %0 = "dl.compare"(%x, %y) {predicate = #dl<predicate lt>} : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xi1>
  return
}

// -----

func.func @compare_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{op requires the same shape for all operands and results}}
  %0 = dl.compare lt %x, %x : tensor<4xf32> -> tensor<5xi1>
  return
}

// -----

func.func @select_condition(%m: tensor<3xi1>, %x: tensor<4xf32>) {
  // expected-error @+1 {{the condition is a tensor of i1 of the result's shape}}
  %0 = "dl.select"(%m, %x, %x) : (tensor<3xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @select_branches(%m: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf64>) {
  // expected-error @+1 {{failed to verify that all of {onTrue, onFalse, result} have same type}}
  %0 = "dl.select"(%m, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

func.func @cast_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{op requires the same shape for all operands and results}}
  %0 = dl.cast %x : tensor<4xf32> -> tensor<2x2xf64>
  return
}

// -----

func.func @check_limit(%x: tensor<4xi64>) {
  // expected-error @+1 {{limit is -1, expected a count of at least 0}}
  %0 = dl.check_index %x below -1 what "label" : tensor<4xi64>
  return
}

// -----

func.func @check_low(%x: tensor<4xi64>) {
  // expected-error @+1 {{low is 1, expected 0 or a place from the end}}
  %0 = dl.check_index %x from 1 below 4 what "label" : tensor<4xi64>
  return
}
