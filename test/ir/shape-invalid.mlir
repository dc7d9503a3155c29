// What the operations that make and move elements refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @iota_axis() {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.iota 1 : tensor<4xi64>
  return
}

// -----

func.func @iota_scalar() {
  // expected-error @+1 {{axis 0 is out of range, a tensor of rank 0 has no axes}}
  %0 = dl.iota 0 : tensor<i64>
  return
}

// -----

func.func @constant_elsewhere() {
  // expected-error @+1 {{value is kept elsewhere, expected `dense<...>`}}
  %0 = dl.constant dense_resource<blob> : tensor<4xf32>
  return
}

// -----

func.func @reshape_count(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result of shape [5] has 5 elements, expected 6 as the operand of shape [2, 3]}}
  %0 = dl.reshape %x : tensor<2x3xf32> -> tensor<5xf32>
  return
}

// -----

func.func @reshape_element(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result has elements of 'f64', expected 'f32', the operand's element type}}
  %0 = dl.reshape %x : tensor<2x3xf32> -> tensor<6xf64>
  return
}

// -----

func.func @transpose_permutation(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation is [0, 0], expected each of the 2 axes once}}
  %0 = dl.transpose %x by [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @transpose_rank(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation is [0], expected each of the 2 axes once}}
  %0 = dl.transpose %x by [0] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @transpose_result(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result is 'tensor<2x3xf32>', expected 'tensor<3x2xf32>': the operand's axes, permuted}}
  %0 = dl.transpose %x by [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_entries(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{`to` has 1 entries, expected one for each of 2 axes}}
  %0 = dl.broadcast %x to [1] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_axis(%x: tensor<3xf32>) {
  // expected-error @+1 {{axis 2 is out of range, expected 0 to 1}}
  %0 = dl.broadcast %x to [2] : tensor<3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_order(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axes are [1, 0], expected increasing ones}}
  %0 = dl.broadcast %x to [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @broadcast_size(%x: tensor<1xf32>) {
  // expected-error @+1 {{axis 0 of the operand has size 1, expected 3, the size of the result's axis 1}}
  %0 = dl.broadcast %x to [1] : tensor<1xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @slice_entries(%x: tensor<6x4xf32>) {
  // expected-error @+1 {{`from` has 1 entries, expected one for each of 2 axes}}
  %0 = dl.slice %x from [0] step [1, 1] : tensor<6x4xf32> -> tensor<6x4xf32>
  return
}

// -----

func.func @slice_steps(%x: tensor<6xf32>) {
  // expected-error @+1 {{`step` has 0 entries, expected one for each of 1 axes}}
  %0 = dl.slice %x from [0] step [] : tensor<6xf32> -> tensor<6xf32>
  return
}

// -----

func.func @slice_rank(%x: tensor<6x4xf32>) {
  // expected-error @+1 {{result has rank 1, expected 2, the operand's}}
  %0 = dl.slice %x from [0, 0] step [1, 1] : tensor<6x4xf32> -> tensor<6xf32>
  return
}

// -----

func.func @slice_backward(%x: tensor<6xf32>) {
  // expected-error @+1 {{step of axis 0 is -1, expected at least 1}}
  %0 = dl.slice %x from [5] step [-1] : tensor<6xf32> -> tensor<6xf32>
  return
}

// -----

func.func @slice_start(%x: tensor<6xf32>) {
  // expected-error @+1 {{start of axis 0 is 7, expected 0 to 6}}
  %0 = dl.slice %x from [7] step [1] : tensor<6xf32> -> tensor<0xf32>
  return
}

// -----

func.func @slice_end(%x: tensor<6xf32>) {
  // expected-error @+1 {{4 elements from 1 by steps of 2 pass the end of axis 0 of size 6}}
  %0 = dl.slice %x from [1] step [2] : tensor<6xf32> -> tensor<4xf32>
  return
}

// -----

func.func @pad_entries(%x: tensor<2xf32>) {
  // expected-error @+1 {{`low` has 2 entries, expected one for each of 1 axes}}
  %0 = dl.pad %x low [0, 0] interior [0] : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @pad_interior_entries(%x: tensor<2xf32>) {
  // expected-error @+1 {{`interior` has 0 entries, expected one for each of 1 axes}}
  %0 = dl.pad %x low [0] interior [] : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @pad_negative(%x: tensor<2xf32>) {
  // expected-error @+1 {{axis 0 is padded by -1 in front and 0 between neighbours, expected nothing negative (slice before instead)}}
  %0 = dl.pad %x low [-1] interior [0] : tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @pad_rank(%x: tensor<2xf32>) {
  // expected-error @+1 {{result has rank 2, expected 1, the operand's}}
  %0 = dl.pad %x low [0] interior [0] : tensor<2xf32> -> tensor<2x1xf32>
  return
}

// -----

func.func @pad_size(%x: tensor<3xf32>) {
  // expected-error @+1 {{axis 0 of the result has size 5, expected at least 6}}
  %0 = dl.pad %x low [1] interior [1] : tensor<3xf32> -> tensor<5xf32>
  return
}

// -----

func.func @reverse_axis(%x: tensor<3xf32>) {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.reverse %x along [1] : tensor<3xf32>
  return
}

// -----

func.func @concat_axis(%x: tensor<3xf32>) {
  // expected-error @+1 {{axis 1 is out of range, expected 0 to 0}}
  %0 = dl.concat %x, %x along 1 : tensor<3xf32>, tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @concat_shapes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+1 {{operand 1 is 'tensor<2x4xf32>', expected 'tensor<2x3xf32>' up to the size of axis 0, as operand 0}}
  %0 = dl.concat %x, %y along 0 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @concat_result(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result is 'tensor<3x3xf32>', expected 'tensor<4x3xf32>': the operands behind one another}}
  %0 = dl.concat %x, %x along 0 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<3x3xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @+1 {{has no operands, expected at least one}}
  %0 = "dl.concat"() {axis = 0 : i64} : () -> tensor<4x3xf32>
  return
}

// -----

func.func @window_past_the_end(%x: tensor<9xf32>) {
  // expected-error @+1 {{5 windows of 3 by steps of 2 and 1 pass the end of axis 0 of size 9}}
  %0 = dl.window %x along [0] step [2] spread [1] : tensor<9xf32> -> tensor<5x3xf32>
  return
}

// -----

func.func @window_rank(%x: tensor<9xf32>) {
  // expected-error @+1 {{has windows of rank 1, expected 2: the axes of [9] and one of taps for each of 1}}
  %0 = dl.window %x along [0] step [2] spread [1] : tensor<9xf32> -> tensor<4xf32>
  return
}

// -----

func.func @window_other_axis(%x: tensor<2x9xf32>) {
  // expected-error @+1 {{axis 0 of the windows has size 3, expected 2: nothing slides along it}}
  %0 = dl.window %x along [1] step [1] spread [1] : tensor<2x9xf32> -> tensor<3x7x3xf32>
  return
}

// -----

func.func @window_step(%x: tensor<9xf32>) {
  // expected-error @+1 {{axis 0 has step 0 and spread 1, expected at least 1}}
  %0 = dl.window %x along [0] step [0] spread [1] : tensor<9xf32> -> tensor<1x3xf32>
  return
}

// -----

func.func @overlap_past_the_end(%y: tensor<4x3xf32>) {
  // expected-error @+1 {{4 windows of 3 by steps of 2 and 1 pass the end of axis 0 of size 8}}
  %0 = dl.overlap_add %y along [0] step [2] spread [1] : tensor<4x3xf32> -> tensor<8xf32>
  return
}

// -----

func.func @taps_of_others(%y: tensor<4x3xf32>) {
  // expected-error @+1 {{result has shape [9, 2], expected the taps of [4, 3]}}
  %0 = dl.taps %y along [0] step [2] spread [1] : tensor<4x3xf32> -> tensor<9x2xf32>
  return
}
