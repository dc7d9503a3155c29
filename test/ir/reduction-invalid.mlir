// What reductions refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @sum_of_bools(%x: tensor<4xi1>) {
  // expected-error @+1 {{`sum` joins numbers, found elements of 'i1'}}
  %0 = dl.reduce sum %x over [0] : tensor<4xi1> -> tensor<i1>
  return
}

// -----

func.func @all_of_numbers(%x: tensor<4xf32>) {
  // expected-error @+1 {{`all` joins `i1`, found elements of 'f32'}}
  %0 = dl.reduce all %x over [0] : tensor<4xf32> -> tensor<f32>
  return
}

// -----

func.func @axis_too_great(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{axis 2 is out of range, expected 0 to 1}}
  %0 = dl.reduce sum %x over [2] : tensor<4x5xf32> -> tensor<4xf32>
  return
}

// -----

func.func @axis_of_scalar(%x: tensor<f32>) {
  // expected-error @+1 {{axis 0 is out of range, a tensor of rank 0 has no axes}}
  %0 = dl.reduce sum %x over [0] : tensor<f32> -> tensor<f32>
  return
}

// -----

func.func @axes_fall(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{axes are [1, 0], expected increasing ones}}
  %0 = dl.reduce sum %x over [1, 0] : tensor<4x5xf32> -> tensor<f32>
  return
}

// -----

func.func @result_shape(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{result is 'tensor<4x1xf32>', expected 'tensor<4xf32>': the operand without the reduced axes}}
  %0 = dl.reduce sum %x over [1] : tensor<4x5xf32> -> tensor<4x1xf32>
  return
}

// -----

func.func @arg_sum(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{kind is `sum`, expected `max` or `min`}}
  %0 = dl.arg_reduce sum %x along 1 : tensor<4x5xf32> -> tensor<4xi64>
  return
}

// -----

func.func @arg_axis(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{axis -1 is out of range, expected 0 to 1}}
  %0 = dl.arg_reduce max %x along -1 : tensor<4x5xf32> -> tensor<4xi64>
  return
}

// -----

func.func @arg_of_nothing(%x: tensor<4x0xf32>) {
  // expected-error @+1 {{axis 1 of the operand has size 0, expected at least one element to choose from}}
  %0 = dl.arg_reduce max %x along 1 : tensor<4x0xf32> -> tensor<4xi64>
  return
}

// -----

func.func @arg_type(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{result is 'tensor<4xi32>', expected 'tensor<4xi64>': the operand without the axis}}
  %0 = dl.arg_reduce max %x along 1 : tensor<4x5xf32> -> tensor<4xi32>
  return
}

// -----

func.func @cumulative_axis(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{axis 3 is out of range, expected 0 to 1}}
  %0 = dl.cumulative sum %x along 3 : tensor<4x5xf32>
  return
}

// -----

func.func @parts_of_a_kept_axis(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{cuts axis 0, expected one of the reduced axes [1]}}
  %0 = dl.reduce_parts sum %x over [1] in chunks 2 of 0 : tensor<4x5xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @parts_without_elements(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{has chunks of 0 elements, expected at least 1}}
  %0 = dl.reduce_parts sum %x over [1] in chunks 0 of 1 : tensor<4x5xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @parts_of_other_number(%x: tensor<4x5xf32>) {
  // expected-error @+1 {{the number of parts and the operand without the reduced axes}}
  %0 = dl.reduce_parts sum %x over [1] in chunks 2 of 1 : tensor<4x5xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @logsumexp_of_integers(%x: tensor<4xi64>) {
  // expected-error @+1 {{`logsumexp` joins floats, found elements of 'i64'}}
  %0 = dl.cumulative logsumexp %x along 0 : tensor<4xi64>
  return
}

// -----

func.func @recurrence_axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.recurrence %x, %x along 1 : tensor<4xf32>
  return
}
