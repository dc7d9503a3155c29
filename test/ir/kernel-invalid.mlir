// What kernels, layouts and buffers refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{layout has the order [0, 0], expected each of the 2 axes once}}
func.func private @order(tensor<2x3xf32, #dl.layout<order = [0, 0], row = 3>>)

// -----

// expected-error @+1 {{layout has rows of -1 elements, expected at least 0}}
func.func private @row(tensor<2x3xf32, #dl.layout<order = [0, 1], row = -1>>)

// -----

// expected-error @+1 {{layout orders 1 axes, expected 2, the tensor's rank}}
func.func private @rank(tensor<2x3xf32, #dl.layout<order = [0], row = 3>>)

// -----

// expected-error @+1 {{layout has rows of 2 elements, expected at least 3, the size of the innermost axis 1}}
func.func private @short_row(tensor<2x3xf32, #dl.layout<order = [0, 1], row = 2>>)

// -----

func.func @mixed(%x: tensor<4xf32>, %m: memref<4xf32>) {
  // expected-error @+1 {{mixes stages, expected tensors with results and no outs, or memrefs with outs and no results}}
  dl.kernel "k" map ins(%x : tensor<4xf32>) outs(%m : memref<4xf32>) {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  }
  return
}

// -----

func.func @mixed_ins(%x: tensor<4xf32>, %m: memref<4xf32>) {
  // expected-error @+1 {{mixes stages, expected tensors with results and no outs, or memrefs with outs and no results}}
  %0 = dl.kernel "k" map ins(%m : memref<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 2 block arguments, expected 1, one for each of its ins}}
  %0 = dl.kernel "k" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>, %v: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @argument_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 'tensor<4xf64>' as number 0 of the block arguments, expected 'tensor<4xf32>', what 'tensor<4xf32>' holds}}
  %0 = dl.kernel "k" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf64>):
    %v = dl.cast %u : tensor<4xf64> -> tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @edge(%x: f32) {
  // expected-error @+1 {{has 'f32' as number 0 of its ins, expected a tensor or memref of static shape}}
  %0 = dl.kernel "k" map ins(%x : f32) outs() {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @yields(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 2 yielded values, expected 1, one for each of its results}}
  %0 = dl.kernel "k" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u, %u : tensor<4xf32>, tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @yield_type(%m: memref<4xf32>, %n: memref<4xf64>) {
  // expected-error @+1 {{has 'tensor<4xf32>' as number 0 of the yielded values, expected 'tensor<4xf64>', what 'memref<4xf64>' holds}}
  dl.kernel "k" map ins(%m : memref<4xf32>) outs(%n : memref<4xf64>) {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  }
  return
}

// -----

func.func @map_holds(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{of kind `map` cannot hold `dl.contract`}}
  %0 = dl.kernel "k" map ins(%x : tensor<2x2xf32>) outs() {
  ^bb0(%u: tensor<2x2xf32>):
    %v = dl.contract "ik,kj->ij" %u, %u : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
    dl.yield %v : tensor<2x2xf32>
  } -> tensor<2x2xf32>
  return
}

// -----

func.func @map_axes(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{reduces axes [1] of [2, 2] and axes [0] of [2, 2], expected the same axes of one space}}
  %0 = dl.kernel "k" map ins(%x : tensor<2x2xf32>) outs() {
  ^bb0(%u: tensor<2x2xf32>):
    %v = dl.reduce sum %u over [0] : tensor<2x2xf32> -> tensor<2xf32>
    %w = dl.reduce sum %u over [1] : tensor<2x2xf32> -> tensor<2xf32>
    %s = dl.add %v, %w : tensor<2xf32>
    dl.yield %s : tensor<2xf32>
  } -> tensor<2xf32>
  return
}

// -----

func.func @contract_count(%x: tensor<4xf32>) {
  // expected-error @+1 {{of kind `contract` holds 0 `dl.contract`, expected exactly one}}
  %0 = dl.kernel "k" contract ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @contract_holds(%x: tensor<4xf32>) {
  // expected-error @+1 {{of kind `contract` cannot hold `dl.cumulative`}}
  %0 = dl.kernel "k" contract ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    %v = dl.cumulative sum %u along 0 : tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @check_alone(%x: tensor<4xi64>) {
  // expected-error @+1 {{of kind `check` expected the one operation of that kind, of block arguments, and nothing else}}
  %0 = dl.kernel "k" check ins(%x : tensor<4xi64>) outs() {
  ^bb0(%u: tensor<4xi64>):
    dl.yield %u : tensor<4xi64>
  } -> tensor<4xi64>
  return
}

// -----

func.func @cumulative_alone(%x: tensor<4xf32>) {
  // expected-error @+1 {{of kind `cumulative` expected the one operation of that kind, of block arguments, and nothing else}}
  %0 = dl.kernel "k" cumulative ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    %n = dl.neg %u : tensor<4xf32>
    %v = dl.cumulative sum %n along 0 : tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @scatter_alone(%x: tensor<4xf32>) {
  // expected-error @+1 {{of kind `scatter` expected the one operation of that kind, of block arguments, and nothing else}}
  %0 = dl.kernel "k" scatter ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    dl.yield %u : tensor<4xf32>
  } -> tensor<4xf32>
  return
}

// -----

func.func @ends(%x: memref<4xf32>) {
  // expected-error @+1 {{has a body that ends with `func.return`, expected `dl.yield`}}
  "dl.kernel"(%x) <{name = "k", kind = #dl<kernel_kind map>, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%u: tensor<4xf32>):
    "func.return"() : () -> ()
  }) : (memref<4xf32>) -> ()
  return
}

// -----

func.func @block(%a: memref<64xf32>) {
  // expected-error @+1 {{block is 'memref<64xf32>', expected bytes of known number as `memref<4096xi8>`}}
  %0 = dl.buffer %a at 0 : memref<64xf32> -> memref<4xf32>
  return
}

// -----

func.func @dynamic(%a: memref<64xi8>) {
  // expected-error @+1 {{result is 'memref<?xf32>', expected numbers of static shape, strides and offset 0}}
  %0 = dl.buffer %a at 0 : memref<64xi8> -> memref<?xf32>
  return
}

// -----

func.func @unaligned(%a: memref<64xi8>) {
  // expected-error @+1 {{offset is 2, expected a multiple of 4, the bytes of an element}}
  %0 = dl.buffer %a at 2 : memref<64xi8> -> memref<4xf32>
  return
}

// -----

func.func @behind(%a: memref<64xi8>) {
  // expected-error @+1 {{buffer of 16 bytes at 52 passes the end of its block of 64 bytes}}
  %0 = dl.buffer %a at 52 : memref<64xi8> -> memref<4xf32>
  return
}

// -----

func.func @strided(%a: memref<64xi8>) {
  // expected-error @+1 {{buffer of 68 bytes at 0 passes the end of its block of 64 bytes}}
  %0 = dl.buffer %a at 0 : memref<64xi8> -> memref<2x4xf32, strided<[13, 1]>>
  return
}

// -----

func.func @other_parts(%x: tensor<100xf32>) {
  // expected-error @+1 {{joins in other parts than another reduction of its body, expected the same}}
  %0:2 = dl.kernel "k" map ins(%x : tensor<100xf32>) outs() {
  ^bb0(%a: tensor<100xf32>):
    %s = dl.reduce_parts sum %a over [0] in chunks 64 of 0 : tensor<100xf32> -> tensor<2xf32>
    %m = dl.reduce_parts max %a over [0] in chunks 50 of 0 : tensor<100xf32> -> tensor<2xf32>
    dl.yield %s, %m : tensor<2xf32>, tensor<2xf32>
  } -> tensor<2xf32>, tensor<2xf32>
  return
}

// -----

func.func @sort_without_scratch(%x: tensor<6xf32>) {
  // expected-error @+1 {{of kind `sort` expected a `dl.scratch` behind its operation}}
  %0 = dl.kernel "k" sort ins(%x : tensor<6xf32>) outs() {
  ^bb0(%a: tensor<6xf32>):
    %i = dl.argsort %a along 0 : tensor<6xf32> -> tensor<6xi64>
    dl.yield %i : tensor<6xi64>
  } -> tensor<6xi64>
  return
}

// -----

func.func @scratch_of_other_size(%x: tensor<6xf32>) {
  // expected-error @+1 {{works in 'tensor<5xi64>', expected 'tensor<24xi64>', the last value that it yields}}
  %0:2 = dl.kernel "k" sort ins(%x : tensor<6xf32>) outs() {
  ^bb0(%a: tensor<6xf32>):
    %i = dl.argsort %a along 0 : tensor<6xf32> -> tensor<6xi64>
    %s = dl.scratch : tensor<5xi64>
    dl.yield %i, %s : tensor<6xi64>, tensor<5xi64>
  } -> tensor<6xi64>, tensor<5xi64>
  return
}
