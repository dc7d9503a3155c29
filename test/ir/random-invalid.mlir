// What dl.random refuses.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @result(%s: tensor<i64>) {
  // expected-error @+1 {{result #0 must be statically shaped tensor of 32-bit float values, but got 'tensor<3xf64>'}}
  %0 = dl.random uniform seed %s step %s path 1 indices () : tensor<i64>, tensor<i64> -> tensor<3xf64>
  return
}

// -----

func.func @seed(%s: tensor<1xi64>, %t: tensor<i64>) {
  // expected-error @+1 {{operand #0 must be 0D tensor of 64-bit signless integer values, but got 'tensor<1xi64>'}}
  %0 = dl.random uniform seed %s step %t path 1 indices () : tensor<1xi64>, tensor<i64> -> tensor<3xf32>
  return
}

// -----

func.func @index(%t: tensor<i64>, %i: tensor<i32>) {
  // expected-error @+1 {{operand #2 must be variadic of 0D tensor of 64-bit signless integer values, but got 'tensor<i32>'}}
  %0 = dl.random uniform seed %t step %t path 1 indices (%i : tensor<i32>) : tensor<i64>, tensor<i64> -> tensor<3xf32>
  return
}
