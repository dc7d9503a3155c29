// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Movements, and arithmetic moved in front of them.

// CHECK-LABEL: func.func @chains
// CHECK-NEXT: dl.transpose %arg0 by [1, 2, 0]
// CHECK-NEXT: return %{{.*}}, %arg0
func.func @chains(%x: tensor<2x3x4xf32>) -> (tensor<3x4x2xf32>, tensor<2x3x4xf32>) {
  %a = dl.transpose %x by [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %b = dl.transpose %a by [2, 0, 1] : tensor<4x2x3xf32> -> tensor<3x4x2xf32>
  %c = dl.reshape %x : tensor<2x3x4xf32> -> tensor<6x4xf32>
  %d = dl.reshape %c : tensor<6x4xf32> -> tensor<2x3x4xf32>
  return %b, %d : tensor<3x4x2xf32>, tensor<2x3x4xf32>
}

// CHECK-LABEL: func.func @splats
// CHECK-NEXT: %[[C:.*]] = dl.constant dense<2.000000e+00> : tensor<3x5xf32>
// CHECK-NEXT: return %[[C]]
func.func @splats() -> tensor<3x5xf32> {
  %c = dl.constant dense<2.0> : tensor<5xf32>
  %b = dl.broadcast %c to [0] : tensor<5xf32> -> tensor<5x3xf32>
  %t = dl.transpose %b by [1, 0] : tensor<5x3xf32> -> tensor<3x5xf32>
  return %t : tensor<3x5xf32>
}

// What is the same along an axis is computed once.
// CHECK-LABEL: func.func @product_of_broadcasts
// CHECK-NEXT: %[[SMALL:.*]] = dl.mul %arg0, %arg1 : tensor<10xf32>
// CHECK-NEXT: %[[EXP:.*]] = dl.exp %[[SMALL]] : tensor<10xf32>
// CHECK-NEXT: dl.broadcast %[[EXP]] to [1]
func.func @product_of_broadcasts(%x: tensor<10xf32>, %y: tensor<10xf32>) -> tensor<64x10xf32> {
  %a = dl.broadcast %x to [1] : tensor<10xf32> -> tensor<64x10xf32>
  %b = dl.broadcast %y to [1] : tensor<10xf32> -> tensor<64x10xf32>
  %c = dl.mul %a, %b : tensor<64x10xf32>
  %d = dl.exp %c : tensor<64x10xf32>
  return %d : tensor<64x10xf32>
}

// Broadcasts that together fill the space are not moved.
// CHECK-LABEL: func.func @outer_sum
// CHECK: dl.add %{{.*}}, %{{.*}} : tensor<64x10xf32>
func.func @outer_sum(%x: tensor<64xf32>, %y: tensor<10xf32>) -> tensor<64x10xf32> {
  %a = dl.broadcast %x to [0] : tensor<64xf32> -> tensor<64x10xf32>
  %b = dl.broadcast %y to [1] : tensor<10xf32> -> tensor<64x10xf32>
  %c = dl.add %a, %b : tensor<64x10xf32>
  return %c : tensor<64x10xf32>
}

// A kept axis of size 1 disappears: what is left is a row value and its broadcast.
// CHECK-LABEL: func.func @keepdims
// CHECK: %[[SUM:.*]] = dl.reduce sum %arg0 over [1]
// CHECK: %[[MEAN:.*]] = dl.div %[[SUM]], %{{.*}} : tensor<64xf32>
// CHECK: %[[ROWS:.*]] = dl.broadcast %[[MEAN]] to [0] : tensor<64xf32> -> tensor<64x10xf32>
// CHECK: dl.sub %arg0, %[[ROWS]]
func.func @keepdims(%x: tensor<64x10xf32>) -> tensor<64x10xf32> {
  %s = dl.reduce sum %x over [1] : tensor<64x10xf32> -> tensor<64xf32>
  %k = dl.reshape %s : tensor<64xf32> -> tensor<64x1xf32>
  %n = dl.constant dense<10.0> : tensor<64x1xf32>
  %m = dl.div %k, %n : tensor<64x1xf32>
  %r = dl.reshape %m : tensor<64x1xf32> -> tensor<64xf32>
  %b = dl.broadcast %r to [0] : tensor<64xf32> -> tensor<64x10xf32>
  %d = dl.sub %x, %b : tensor<64x10xf32>
  return %d : tensor<64x10xf32>
}

// Arithmetic in front of a reshape, so that a product can absorb it.
// CHECK-LABEL: func.func @reshape_sinks
// CHECK: dl.cast %arg0 : tensor<64x28x28xui8> -> tensor<64x28x28xf32>
// CHECK: dl.div {{.*}} : tensor<64x28x28xf32>
// CHECK: dl.reshape
// CHECK-NEXT: return
func.func @reshape_sinks(%x: tensor<64x28x28xui8>) -> tensor<64x784xf32> {
  %r = dl.reshape %x : tensor<64x28x28xui8> -> tensor<64x784xui8>
  %c = dl.cast %r : tensor<64x784xui8> -> tensor<64x784xf32>
  %k = dl.constant dense<255.0> : tensor<64x784xf32>
  %d = dl.div %c, %k : tensor<64x784xf32>
  return %d : tensor<64x784xf32>
}

// Nothing taken from behind the last row of a slice is nothing taken from anywhere.
// CHECK-LABEL: func.func @empty_slice
// CHECK-NEXT: dl.slice %arg0 from [0, 3] step [1, 2] : tensor<10x9xf32> -> tensor<0x2xf32>
func.func @empty_slice(%x: tensor<10x9xf32>) -> tensor<0x2xf32> {
  %a = dl.slice %x from [0, 1] step [3, 2] : tensor<10x9xf32> -> tensor<4x4xf32>
  %b = dl.slice %a from [4, 1] step [1, 1] : tensor<4x4xf32> -> tensor<0x2xf32>
  return %b : tensor<0x2xf32>
}
