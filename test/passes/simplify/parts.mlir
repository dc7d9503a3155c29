// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Slices rise to what lies in memory; sums of padded parts are concatenations.

// The gradient of a concatenation that two products read: the part that is wanted of each.
// CHECK-LABEL: func.func @slice_of_products
// CHECK-DAG: %[[W:.*]] = dl.slice %arg1 from [0, 57] step [1, 1] : tensor<16x185xf32> -> tensor<16x128xf32>
// CHECK-DAG: %[[V:.*]] = dl.slice %arg3 from [57, 0] step [1, 1] : tensor<185x18xf32> -> tensor<128x18xf32>
// CHECK-DAG: dl.contract "mn,nk->mk" %arg0, %[[W]] : tensor<64x16xf32>, tensor<16x128xf32> -> tensor<64x128xf32>
// CHECK-DAG: dl.contract "mn,kn->mk" %arg2, %[[V]] : tensor<64x18xf32>, tensor<128x18xf32> -> tensor<64x128xf32>
// CHECK: dl.add
func.func @slice_of_products(%a: tensor<64x16xf32>, %w: tensor<16x185xf32>, %b: tensor<64x18xf32>, %v: tensor<185x18xf32>)
    -> tensor<64x128xf32> {
  %p = dl.contract "mn,nk->mk" %a, %w : tensor<64x16xf32>, tensor<16x185xf32> -> tensor<64x185xf32>
  %q = dl.contract "mn,kn->mk" %b, %v : tensor<64x18xf32>, tensor<185x18xf32> -> tensor<64x185xf32>
  %s = dl.add %p, %q : tensor<64x185xf32>
  %r = dl.slice %s from [0, 57] step [1, 1] : tensor<64x185xf32> -> tensor<64x128xf32>
  return %r : tensor<64x128xf32>
}

// Rows and columns of a batched product, each from the operands that have them; every other column.
// CHECK-LABEL: func.func @slice_of_batch
// CHECK-DAG: %[[A:.*]] = dl.slice %arg0 from [1, 0, 0] step [1, 1, 1] : tensor<4x8x6xf32> -> tensor<2x8x6xf32>
// CHECK-DAG: %[[B:.*]] = dl.slice %arg1 from [1, 0, 1] step [1, 1, 2] : tensor<4x6x10xf32> -> tensor<2x6x5xf32>
// CHECK: dl.contract "bmk,bkn->bmn" %[[A]], %[[B]]
func.func @slice_of_batch(%a: tensor<4x8x6xf32>, %b: tensor<4x6x10xf32>) -> tensor<2x8x5xf32> {
  %p = dl.contract "bmk,bkn->bmn" %a, %b : tensor<4x8x6xf32>, tensor<4x6x10xf32> -> tensor<4x8x10xf32>
  %r = dl.slice %p from [1, 0, 1] step [1, 1, 2] : tensor<4x8x10xf32> -> tensor<2x8x5xf32>
  return %r : tensor<2x8x5xf32>
}

// CHECK-LABEL: func.func @slice_of_movements
// CHECK: %[[X:.*]] = dl.slice %arg0 from [2, 1] step [1, 1] : tensor<5x7xf32> -> tensor<3x4xf32>
// CHECK: dl.transpose %[[X]] by [1, 0]
// CHECK: %[[B:.*]] = dl.slice %arg1 from [2] step [1] : tensor<5xf32> -> tensor<3xf32>
// CHECK: dl.broadcast %[[B]] to [1] : tensor<3xf32> -> tensor<4x3xf32>
func.func @slice_of_movements(%x: tensor<5x7xf32>, %b: tensor<5xf32>) -> tensor<4x3xf32> {
  %t = dl.transpose %x by [1, 0] : tensor<5x7xf32> -> tensor<7x5xf32>
  %u = dl.broadcast %b to [1] : tensor<5xf32> -> tensor<7x5xf32>
  %s = dl.mul %t, %u : tensor<7x5xf32>
  %r = dl.slice %s from [1, 2] step [1, 1] : tensor<7x5xf32> -> tensor<4x3xf32>
  return %r : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @slice_of_concat
// CHECK: %[[C:.*]] = dl.concat
// CHECK: %[[R:.*]] = dl.slice %arg1 from [1, 0] step [1, 1] : tensor<6x4xf32> -> tensor<3x4xf32>
// CHECK: %[[S:.*]] = dl.slice %[[C]]
// CHECK: return %[[R]], %[[S]]
func.func @slice_of_concat(%a: tensor<5x4xf32>, %b: tensor<6x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %c = dl.concat %a, %b along 0 : tensor<5x4xf32>, tensor<6x4xf32> -> tensor<11x4xf32>
  %r = dl.slice %c from [6, 0] step [1, 1] : tensor<11x4xf32> -> tensor<3x4xf32>
  %s = dl.slice %c from [4, 0] step [1, 1] : tensor<11x4xf32> -> tensor<3x4xf32>
  return %r, %s : tensor<3x4xf32>, tensor<3x4xf32>
}

// The whole is read too: it is computed once.
// CHECK-LABEL: func.func @whole
// CHECK: %[[P:.*]] = dl.contract "mn,nk->mk" %arg0, %arg1 : tensor<64x16xf32>, tensor<16x185xf32> -> tensor<64x185xf32>
// CHECK: %[[S:.*]] = dl.tanh %[[P]]
// CHECK: %[[R:.*]] = dl.slice %[[S]]
// CHECK: return %[[R]], %[[S]]
func.func @whole(%a: tensor<64x16xf32>, %w: tensor<16x185xf32>) -> (tensor<64x128xf32>, tensor<64x185xf32>) {
  %p = dl.contract "mn,nk->mk" %a, %w : tensor<64x16xf32>, tensor<16x185xf32> -> tensor<64x185xf32>
  %s = dl.tanh %p : tensor<64x185xf32>
  %r = dl.slice %s from [0, 57] step [1, 1] : tensor<64x185xf32> -> tensor<64x128xf32>
  return %r, %s : tensor<64x128xf32>, tensor<64x185xf32>
}

// A weight's gradient of parts that lie in memory: two products, side by side.
// CHECK-LABEL: func.func @product_of_parts
// CHECK: %[[P:.*]] = dl.contract "mn,mk->nk" %arg0, %arg1 : tensor<512x16xf32>, tensor<512x57xf32> -> tensor<16x57xf32>
// CHECK: %[[Q:.*]] = dl.contract "mn,mk->nk" %arg0, %arg2 : tensor<512x16xf32>, tensor<512x128xf32> -> tensor<16x128xf32>
// CHECK: dl.concat %[[P]], %[[Q]] along 1
func.func @product_of_parts(%a: tensor<512x16xf32>, %x: tensor<512x57xf32>, %h: tensor<512x128xf32>) -> tensor<16x185xf32> {
  %c = dl.concat %x, %h along 1 : tensor<512x57xf32>, tensor<512x128xf32> -> tensor<512x185xf32>
  %p = dl.contract "mn,mk->nk" %a, %c : tensor<512x16xf32>, tensor<512x185xf32> -> tensor<16x185xf32>
  return %p : tensor<16x185xf32>
}

// A result as large as the parts is better one product with what is done to it.
// CHECK-LABEL: func.func @large_result
// CHECK: %[[C:.*]] = dl.concat
// CHECK: dl.contract "mn,mk->nk" %arg0, %[[C]]
func.func @large_result(%a: tensor<16x512xf32>, %x: tensor<16x57xf32>, %h: tensor<16x128xf32>) -> tensor<512x185xf32> {
  %c = dl.concat %x, %h along 1 : tensor<16x57xf32>, tensor<16x128xf32> -> tensor<16x185xf32>
  %p = dl.contract "mn,mk->nk" %a, %c : tensor<16x512xf32>, tensor<16x185xf32> -> tensor<512x185xf32>
  return %p : tensor<512x185xf32>
}

// The cotangents of the gates of a cell, in any order, with one of the whole.
// CHECK-LABEL: func.func @gates
// CHECK: %[[C:.*]] = dl.concat %arg0, %arg1, %arg2 along 1
// CHECK: dl.add %arg3, %[[C]]
// CHECK-NOT: dl.pad
func.func @gates(%a: tensor<2x4xf32>, %b: tensor<2x3xf32>, %c: tensor<2x5xf32>, %all: tensor<2x12xf32>) -> tensor<2x12xf32> {
  %p = dl.pad %c low [0, 7] interior [0, 0] : tensor<2x5xf32> -> tensor<2x12xf32>
  %q = dl.pad %a low [0, 0] interior [0, 0] : tensor<2x4xf32> -> tensor<2x12xf32>
  %r = dl.pad %b low [0, 4] interior [0, 0] : tensor<2x3xf32> -> tensor<2x12xf32>
  %s = dl.add %p, %q : tensor<2x12xf32>
  %t = dl.add %s, %all : tensor<2x12xf32>
  %u = dl.add %t, %r : tensor<2x12xf32>
  return %u : tensor<2x12xf32>
}

// Parts that overlap, and parts between which something is left.
// CHECK-LABEL: func.func @no_partition
// CHECK-NOT: dl.concat
// CHECK: return
func.func @no_partition(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> (tensor<2x7xf32>, tensor<2x9xf32>) {
  %p = dl.pad %a low [0, 0] interior [0, 0] : tensor<2x4xf32> -> tensor<2x7xf32>
  %q = dl.pad %b low [0, 3] interior [0, 0] : tensor<2x4xf32> -> tensor<2x7xf32>
  %s = dl.add %p, %q : tensor<2x7xf32>
  %r = dl.pad %a low [0, 0] interior [0, 0] : tensor<2x4xf32> -> tensor<2x9xf32>
  %t = dl.pad %b low [0, 5] interior [0, 0] : tensor<2x4xf32> -> tensor<2x9xf32>
  %u = dl.add %r, %t : tensor<2x9xf32>
  return %s, %u : tensor<2x7xf32>, tensor<2x9xf32>
}
