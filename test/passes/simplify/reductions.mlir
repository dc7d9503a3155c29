// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Reductions of what is constant, repeated, moved, scaled or reduced.

// CHECK-LABEL: func.func @unit_axis
// CHECK-NEXT: dl.reshape %arg0 : tensor<64x1xf32> -> tensor<64xf32>
func.func @unit_axis(%x: tensor<64x1xf32>) -> tensor<64xf32> {
  %s = dl.reduce sum %x over [1] : tensor<64x1xf32> -> tensor<64xf32>
  return %s : tensor<64xf32>
}

// CHECK-LABEL: func.func @of_broadcast
// CHECK-NEXT: %[[TEN:.*]] = dl.constant dense<1.000000e+01> : tensor<64xf32>
// CHECK-NEXT: dl.mul %arg0, %[[TEN]]
// CHECK-NEXT: return %{{.*}}, %arg0
func.func @of_broadcast(%x: tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>) {
  %b = dl.broadcast %x to [0] : tensor<64xf32> -> tensor<64x10xf32>
  %s = dl.reduce sum %b over [1] : tensor<64x10xf32> -> tensor<64xf32>
  %m = dl.reduce max %b over [1] : tensor<64x10xf32> -> tensor<64xf32>
  return %s, %m : tensor<64xf32>, tensor<64xf32>
}

// A sign leaves a sum.
// CHECK-LABEL: func.func @negated
// CHECK: %[[S:.*]] = dl.reduce sum %arg0 over [0]
// CHECK: dl.neg %[[S]]
func.func @negated(%x: tensor<64xf32>) -> tensor<f32> {
  %b = dl.neg %x : tensor<64xf32>
  %c = dl.reduce sum %b over [0] : tensor<64xf32> -> tensor<f32>
  return %c : tensor<f32>
}

// A factor stays: 3e38 and -3e38 are 0 together, but not when each is multiplied by 10; and infinity times 1 and -2 is
// NaN, times -1 it is not.
// CHECK-LABEL: func.func @scaled
// CHECK: %[[TENS:.*]] = dl.mul %arg0
// CHECK: dl.reduce sum %[[TENS]] over [0]
// CHECK: %[[INFINITE:.*]] = dl.mul %arg0
// CHECK: dl.reduce sum %[[INFINITE]] over [0]
func.func @scaled(%x: tensor<64xf32>) -> (tensor<f32>, tensor<f32>) {
  %ten = dl.constant dense<10.0> : tensor<64xf32>
  %a = dl.mul %x, %ten : tensor<64xf32>
  %b = dl.reduce sum %a over [0] : tensor<64xf32> -> tensor<f32>
  %inf = dl.constant dense<0x7F800000> : tensor<64xf32>
  %c = dl.mul %x, %inf : tensor<64xf32>
  %d = dl.reduce sum %c over [0] : tensor<64xf32> -> tensor<f32>
  return %b, %d : tensor<f32>, tensor<f32>
}

// Whole numbers wrap the same in any order, and a maximum is one in any. But products of rows may all be 1, and sums 0, where
// those of columns overflow.
// CHECK-LABEL: func.func @in_succession
// CHECK: dl.reduce sum %arg1 over [0, 1]
// CHECK: dl.reduce max %arg0 over [0, 1]
// CHECK: %[[PRODUCTS:.*]] = dl.reduce prod %arg0 over [1]
// CHECK: dl.reduce prod %[[PRODUCTS]] over [0]
// CHECK: %[[SUMS:.*]] = dl.reduce sum %arg0 over [1]
// CHECK: dl.reduce sum %[[SUMS]] over [0]
func.func @in_succession(%x: tensor<64x16xf32>, %i: tensor<64x16xi32>) -> (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) {
  %a = dl.reduce sum %i over [1] : tensor<64x16xi32> -> tensor<64xi32>
  %b = dl.reduce sum %a over [0] : tensor<64xi32> -> tensor<i32>
  %c = dl.reduce max %x over [1] : tensor<64x16xf32> -> tensor<64xf32>
  %d = dl.reduce max %c over [0] : tensor<64xf32> -> tensor<f32>
  %e = dl.reduce prod %x over [1] : tensor<64x16xf32> -> tensor<64xf32>
  %f = dl.reduce prod %e over [0] : tensor<64xf32> -> tensor<f32>
  %g = dl.reduce sum %x over [1] : tensor<64x16xf32> -> tensor<64xf32>
  %h = dl.reduce sum %g over [0] : tensor<64xf32> -> tensor<f32>
  return %b, %d, %f, %h : tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>
}

// A small factor stays too: the sum could overflow without it.
// CHECK-LABEL: func.func @mean_of_means
// CHECK: %[[S:.*]] = dl.reduce sum %arg0 over [1]
// CHECK: %[[M:.*]] = dl.mul %[[S]]
// CHECK: %[[T:.*]] = dl.reduce sum %[[M]] over [0]
// CHECK: dl.mul %[[T]]
func.func @mean_of_means(%x: tensor<64x16xf32>) -> tensor<f32> {
  %a = dl.reduce sum %x over [1] : tensor<64x16xf32> -> tensor<64xf32>
  %n = dl.constant dense<16.0> : tensor<64xf32>
  %b = dl.div %a, %n : tensor<64xf32>
  %c = dl.reduce sum %b over [0] : tensor<64xf32> -> tensor<f32>
  %k = dl.constant dense<64.0> : tensor<f32>
  %d = dl.div %c, %k : tensor<f32>
  return %d : tensor<f32>
}

// CHECK-LABEL: func.func @of_transpose
// CHECK-NEXT: dl.reduce max %arg0 over [0] : tensor<64x10xf32> -> tensor<10xf32>
func.func @of_transpose(%x: tensor<64x10xf32>) -> tensor<10xf32> {
  %t = dl.transpose %x by [1, 0] : tensor<64x10xf32> -> tensor<10x64xf32>
  %m = dl.reduce max %t over [1] : tensor<10x64xf32> -> tensor<10xf32>
  return %m : tensor<10xf32>
}

// A sum and a maximum are not one reduction, and a sum that is used twice stays.
// CHECK-LABEL: func.func @different_kinds
// CHECK: dl.reduce sum %arg0 over [1]
// CHECK: dl.reduce max %{{.*}} over [0]
func.func @different_kinds(%x: tensor<64x10xf32>) -> tensor<f32> {
  %s = dl.reduce sum %x over [1] : tensor<64x10xf32> -> tensor<64xf32>
  %m = dl.reduce max %s over [0] : tensor<64xf32> -> tensor<f32>
  return %m : tensor<f32>
}

// The gradient of a softmax is made of its result: nothing else reads the exponentials.
// CHECK-LABEL: func.func @softmax_gradient
// CHECK: %[[E:.*]] = dl.exp %arg0
// CHECK: %[[Y:.*]] = dl.div %[[E]]
// CHECK: %[[P:.*]] = dl.mul %arg1, %[[Y]]
// CHECK: %[[S:.*]] = dl.reduce sum %[[P]] over [1]
// CHECK: %[[B:.*]] = dl.broadcast %[[S]] to [0]
// CHECK: %[[D:.*]] = dl.sub %arg1, %[[B]]
// CHECK: dl.mul %[[D]], %[[Y]]
func.func @softmax_gradient(%x: tensor<8x64xf32>, %g: tensor<8x64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  %e = dl.exp %x : tensor<8x64xf32>
  %s = dl.reduce sum %e over [1] : tensor<8x64xf32> -> tensor<8xf32>
  %b = dl.broadcast %s to [0] : tensor<8xf32> -> tensor<8x64xf32>
  %y = dl.div %e, %b : tensor<8x64xf32>
  %q = dl.div %g, %b : tensor<8x64xf32>
  %p = dl.mul %y, %q : tensor<8x64xf32>
  %t = dl.reduce sum %p over [1] : tensor<8x64xf32> -> tensor<8xf32>
  %n = dl.neg %t : tensor<8xf32>
  %r = dl.broadcast %n to [0] : tensor<8xf32> -> tensor<8x64xf32>
  %d = dl.add %r, %q : tensor<8x64xf32>
  %dx = dl.mul %e, %d : tensor<8x64xf32>
  return %y, %dx : tensor<8x64xf32>, tensor<8x64xf32>
}

// Divided by something else than their sum, or summed along the other axis, exponentials are no shares.
// CHECK-LABEL: func.func @no_softmax_gradient
// CHECK: dl.div %arg1, %[[B:.*]] : tensor<8x8xf32>
// CHECK: dl.div %arg1, %[[C:.*]] : tensor<8x8xf32>
func.func @no_softmax_gradient(%x: tensor<8x8xf32>, %g: tensor<8x8xf32>, %s: tensor<8xf32>)
    -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %e = dl.exp %x : tensor<8x8xf32>
  %b = dl.broadcast %s to [0] : tensor<8xf32> -> tensor<8x8xf32>
  %y = dl.div %e, %b : tensor<8x8xf32>
  %q = dl.div %g, %b : tensor<8x8xf32>
  %p = dl.mul %q, %y : tensor<8x8xf32>
  %t = dl.reduce sum %p over [1] : tensor<8x8xf32> -> tensor<8xf32>
  %n = dl.neg %t : tensor<8xf32>
  %r = dl.broadcast %n to [0] : tensor<8xf32> -> tensor<8x8xf32>
  %d = dl.add %q, %r : tensor<8x8xf32>
  %dx = dl.mul %d, %e : tensor<8x8xf32>
  %s2 = dl.reduce sum %e over [1] : tensor<8x8xf32> -> tensor<8xf32>
  %b2 = dl.broadcast %s2 to [0] : tensor<8xf32> -> tensor<8x8xf32>
  %y2 = dl.div %e, %b2 : tensor<8x8xf32>
  %q2 = dl.div %g, %b2 : tensor<8x8xf32>
  %p2 = dl.mul %q2, %y2 : tensor<8x8xf32>
  %t2 = dl.reduce sum %p2 over [0] : tensor<8x8xf32> -> tensor<8xf32>
  %n2 = dl.neg %t2 : tensor<8xf32>
  %r2 = dl.broadcast %n2 to [1] : tensor<8xf32> -> tensor<8x8xf32>
  %d2 = dl.add %q2, %r2 : tensor<8x8xf32>
  %dx2 = dl.mul %d2, %e : tensor<8x8xf32>
  return %dx, %dx2 : tensor<8x8xf32>, tensor<8x8xf32>
}
