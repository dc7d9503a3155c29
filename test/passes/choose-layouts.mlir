// RUN: dlc-opt %s --dl-choose-layouts | FileCheck %s

// x W^T reads W along its outputs: they become the innermost axis. State and the new values follow.
// CHECK-LABEL: func.func @forward_only
// CHECK-SAME: %arg0: tensor<128x784xf32, #dl.layout<order = [1, 0], row = 128>>
// CHECK-SAME: %arg1: tensor<128x784xf32, #dl.layout<order = [1, 0], row = 128>>
// CHECK-SAME: %arg2: tensor<64x784xf32> {
// CHECK-SAME: -> (tensor<128x784xf32, #dl.layout<order = [1, 0], row = 128>> {dl.updates = 1
// CHECK: dl.kernel "m_update"
// CHECK: -> tensor<128x784xf32, #dl.layout<order = [1, 0], row = 128>>
func.func @forward_only(%w: tensor<128x784xf32> {dl.role = "param", dl.name = "fc.weight"},
                        %m: tensor<128x784xf32> {dl.role = "state", dl.name = "m.fc.weight"},
                        %x: tensor<64x784xf32> {dl.role = "input", dl.name = "x"})
    -> (tensor<128x784xf32> {dl.updates = 1 : i64}, tensor<64x128xf32> {dl.name = "y"}) {
  %0 = dl.kernel "fc" contract ins(%x, %w : tensor<64x784xf32>, tensor<128x784xf32>) outs() {
  ^bb0(%a: tensor<64x784xf32>, %b: tensor<128x784xf32>):
    %y = dl.contract "nk,mk->nm" %a, %b : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
    dl.yield %y : tensor<64x128xf32>
  } -> tensor<64x128xf32>
  %1 = dl.kernel "m_update" map ins(%m, %w : tensor<128x784xf32>, tensor<128x784xf32>) outs() {
  ^bb0(%a: tensor<128x784xf32>, %b: tensor<128x784xf32>):
    %y = dl.add %a, %b : tensor<128x784xf32>
    dl.yield %y : tensor<128x784xf32>
  } -> tensor<128x784xf32>
  return %1, %0 : tensor<128x784xf32>, tensor<64x128xf32>
}

// The data gradient wants the other order as much as the product: the program's order stays. Rows of 2 KiB are padded,
// those of the values between kernels too; what the caller sees is not.
// CHECK-LABEL: func.func @both_ways
// CHECK-SAME: %arg0: tensor<256x512xf32, #dl.layout<order = [0, 1], row = 528>>
// CHECK-SAME: %arg1: tensor<64x512xf32>
// CHECK: dl.kernel "fc" contract
// CHECK: -> tensor<64x256xf32, #dl.layout<order = [0, 1], row = 272>>
// CHECK: dl.kernel "fc_back" contract
// CHECK: -> tensor<64x512xf32>
func.func @both_ways(%w: tensor<256x512xf32> {dl.role = "param", dl.name = "fc.weight"},
                     %x: tensor<64x512xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<64x512xf32> {dl.name = "y"}) {
  %0 = dl.kernel "fc" contract ins(%x, %w : tensor<64x512xf32>, tensor<256x512xf32>) outs() {
  ^bb0(%a: tensor<64x512xf32>, %b: tensor<256x512xf32>):
    %y = dl.contract "nk,mk->nm" %a, %b : tensor<64x512xf32>, tensor<256x512xf32> -> tensor<64x256xf32>
    dl.yield %y : tensor<64x256xf32>
  } -> tensor<64x256xf32>
  %1 = dl.kernel "fc_back" contract ins(%0, %w : tensor<64x256xf32>, tensor<256x512xf32>) outs() {
  ^bb0(%a: tensor<64x256xf32>, %b: tensor<256x512xf32>):
    %y = dl.contract "nm,mk->nk" %a, %b : tensor<64x256xf32>, tensor<256x512xf32> -> tensor<64x512xf32>
    dl.yield %y : tensor<64x512xf32>
  } -> tensor<64x512xf32>
  return %1 : tensor<64x512xf32>
}

// A layout that is asked for, or there already, is kept; vectors and scalars have none.
// CHECK-LABEL: func.func @given
// CHECK-SAME: %arg0: tensor<8x4xf32, #dl.layout<order = [1, 0], row = 16>> {dl.name = "a", dl.role = "param"}
// CHECK-SAME: %arg1: tensor<8x4xf32, #dl.layout<order = [0, 1], row = 8>>
// CHECK-SAME: %arg2: tensor<1024xf32> {
func.func @given(%a: tensor<8x4xf32> {dl.role = "param", dl.name = "a", dl.layout = #dl.layout<order = [1, 0], row = 16>},
                 %b: tensor<8x4xf32, #dl.layout<order = [0, 1], row = 8>> {dl.role = "param", dl.name = "b"},
                 %c: tensor<1024xf32> {dl.role = "param", dl.name = "c"}) -> (tensor<8x4xf32> {dl.name = "y"}) {
  %0 = dl.kernel "sum" map ins(%a, %b : tensor<8x4xf32>, tensor<8x4xf32, #dl.layout<order = [0, 1], row = 8>>) outs() {
  ^bb0(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>):
    %z = dl.add %x, %y : tensor<8x4xf32>
    dl.yield %z : tensor<8x4xf32>
  } -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// What a product reads through a reshape must stay dense; a value beside it of the same shape need not.
// CHECK-LABEL: func.func @reshaped
// CHECK: dl.kernel "twice" map
// CHECK: -> tensor<256x512xf32>, tensor<256x512xf32, #dl.layout<order = [0, 1], row = 528>>
func.func @reshaped(%w: tensor<256x512xf32> {dl.role = "input", dl.name = "w"},
                    %x: tensor<64x512xf32> {dl.role = "input", dl.name = "x"})
    -> (tensor<64x256xf32> {dl.name = "y"}, tensor<256x512xf32> {dl.name = "z"}) {
  %0:2 = dl.kernel "twice" map ins(%w : tensor<256x512xf32>) outs() {
  ^bb0(%a: tensor<256x512xf32>):
    %b = dl.add %a, %a : tensor<256x512xf32>
    %c = dl.exp %a : tensor<256x512xf32>
    dl.yield %b, %c : tensor<256x512xf32>, tensor<256x512xf32>
  } -> tensor<256x512xf32>, tensor<256x512xf32>
  %1 = dl.kernel "product" contract ins(%x, %0#0 : tensor<64x512xf32>, tensor<256x512xf32>) outs() {
  ^bb0(%a: tensor<64x512xf32>, %b: tensor<256x512xf32>):
    %c = dl.reshape %b : tensor<256x512xf32> -> tensor<512x256xf32>
    %y = dl.contract "nk,km->nm" %a, %c : tensor<64x512xf32>, tensor<512x256xf32> -> tensor<64x256xf32>
    dl.yield %y : tensor<64x256xf32>
  } -> tensor<64x256xf32>
  %2 = dl.kernel "root" map ins(%0#1 : tensor<256x512xf32>) outs() {
  ^bb0(%a: tensor<256x512xf32>):
    %b = dl.sqrt %a : tensor<256x512xf32>
    dl.yield %b : tensor<256x512xf32>
  } -> tensor<256x512xf32>
  return %1, %2 : tensor<64x256xf32>, tensor<256x512xf32>
}

// Few channels and a large batch: the batch is innermost, in a copy of the argument and in the result. What a linear layer joins
// into rows has it innermost too.
// CHECK-LABEL: func.func @batch
// CHECK: %[[X:.*]] = dl.kernel "x_turned" map ins(%arg2 : tensor<64x3x8x8xf32>)
// CHECK: -> tensor<64x3x8x8xf32, #dl.layout<order = [1, 2, 3, 0], row = 64>>
// CHECK: dl.kernel "conv" contract ins(%[[X]], %arg0 :
// CHECK: -> tensor<64x6x6x6xf32, #dl.layout<order = [1, 2, 3, 0], row = 64>>
func.func @batch(%w: tensor<6x3x3x3xf32> {dl.role = "param", dl.name = "w"},
                 %f: tensor<10x216xf32> {dl.role = "param", dl.name = "f"},
                 %x: tensor<64x3x8x8xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<64x10xf32> {dl.name = "y"}) {
  %0 = dl.kernel "conv" contract ins(%x, %w : tensor<64x3x8x8xf32>, tensor<6x3x3x3xf32>) outs() {
  ^bb0(%a: tensor<64x3x8x8xf32>, %b: tensor<6x3x3x3xf32>):
    %v = dl.window %a along [2, 3] step [1, 1] spread [1, 1] : tensor<64x3x8x8xf32> -> tensor<64x3x6x6x3x3xf32>
    %y = dl.contract "ncpqxy,fcxy->nfpq" %v, %b : tensor<64x3x6x6x3x3xf32>, tensor<6x3x3x3xf32> -> tensor<64x6x6x6xf32>
    dl.yield %y : tensor<64x6x6x6xf32>
  } -> tensor<64x6x6x6xf32>
  %1 = dl.kernel "fc" contract ins(%0, %f : tensor<64x6x6x6xf32>, tensor<10x216xf32>) outs() {
  ^bb0(%a: tensor<64x6x6x6xf32>, %b: tensor<10x216xf32>):
    %r = dl.reshape %a : tensor<64x6x6x6xf32> -> tensor<64x216xf32>
    %y = dl.contract "nk,mk->nm" %r, %b : tensor<64x216xf32>, tensor<10x216xf32> -> tensor<64x10xf32>
    dl.yield %y : tensor<64x10xf32>
  } -> tensor<64x10xf32>
  return %1 : tensor<64x10xf32>
}

// A batch that fills no tile is no reason to turn anything.
// CHECK-LABEL: func.func @small_batch
// CHECK-NOT: turned
// CHECK: -> tensor<8x6x6x6xf32>
func.func @small_batch(%w: tensor<6x3x3x3xf32> {dl.role = "param", dl.name = "w"},
                       %x: tensor<8x3x8x8xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<8x6x6x6xf32> {dl.name = "y"}) {
  %0 = dl.kernel "conv" contract ins(%x, %w : tensor<8x3x8x8xf32>, tensor<6x3x3x3xf32>) outs() {
  ^bb0(%a: tensor<8x3x8x8xf32>, %b: tensor<6x3x3x3xf32>):
    %v = dl.window %a along [2, 3] step [1, 1] spread [1, 1] : tensor<8x3x8x8xf32> -> tensor<8x3x6x6x3x3xf32>
    %y = dl.contract "ncpqxy,fcxy->nfpq" %v, %b : tensor<8x3x6x6x3x3xf32>, tensor<6x3x3x3xf32> -> tensor<8x6x6x6xf32>
    dl.yield %y : tensor<8x6x6x6xf32>
  } -> tensor<8x6x6x6xf32>
  return %0 : tensor<8x6x6x6xf32>
}

// The sum over channels is cut into parts, which a view of the weights shows: their axis stands in their order once.
// CHECK-LABEL: func.func @parts_of_channels
// CHECK-SAME: tensor<16x256x3x3xf32, #dl.layout<order = [2, 3, 1, 0], row = 16>>
func.func @parts_of_channels(%w: tensor<16x256x3x3xf32> {dl.role = "param", dl.name = "w"},
                             %x: tensor<8x256x5x5xf32> {dl.role = "input", dl.name = "x"}) -> (tensor<2x8x16x3x3xf32> {dl.name = "y"}) {
  %0 = dl.kernel "conv_parts" contract ins(%x, %w : tensor<8x256x5x5xf32>, tensor<16x256x3x3xf32>) outs() {
  ^bb0(%a: tensor<8x256x5x5xf32>, %b: tensor<16x256x3x3xf32>):
    %r = dl.reshape %a : tensor<8x256x5x5xf32> -> tensor<8x2x128x5x5xf32>
    %v = dl.window %r along [3, 4] step [1, 1] spread [1, 1] : tensor<8x2x128x5x5xf32> -> tensor<8x2x128x3x3x3x3xf32>
    %s = dl.reshape %b : tensor<16x256x3x3xf32> -> tensor<16x2x128x3x3xf32>
    %y = dl.contract "nAcpqxy,fAcxy->Anfpq" %v, %s : tensor<8x2x128x3x3x3x3xf32>, tensor<16x2x128x3x3xf32> -> tensor<2x8x16x3x3xf32>
    dl.yield %y : tensor<2x8x16x3x3xf32>
  } -> tensor<2x8x16x3x3xf32>
  return %0 : tensor<2x8x16x3x3xf32>
}
