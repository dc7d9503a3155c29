// RUN: dlc-opt %s --dl-share-extrema | FileCheck %s

// The maximum of a window and its place are taken of one operand.
// CHECK-LABEL: func.func @pool
// CHECK-SAME: (%[[X:.*]]: tensor<4x3x2x3x2xf32>)
// CHECK: %[[T:.*]] = dl.transpose %[[X]] by [0, 1, 3, 2, 4]
// CHECK: %[[J:.*]] = dl.reshape %[[T]] : tensor<4x3x3x2x2xf32> -> tensor<4x3x3x4xf32>
// CHECK: dl.reduce max %[[J]] over [3]
// CHECK: dl.arg_reduce max %[[J]] along 3
func.func @pool(%x: tensor<4x3x2x3x2xf32>) -> (tensor<4x3x3xf32>, tensor<4x3x3xi64>) {
  %m = dl.reduce max %x over [2, 4] : tensor<4x3x2x3x2xf32> -> tensor<4x3x3xf32>
  %t = dl.transpose %x by [0, 1, 3, 2, 4] : tensor<4x3x2x3x2xf32> -> tensor<4x3x3x2x2xf32>
  %j = dl.reshape %t : tensor<4x3x3x2x2xf32> -> tensor<4x3x3x4xf32>
  %i = dl.arg_reduce max %j along 3 : tensor<4x3x3x4xf32> -> tensor<4x3x3xi64>
  return %m, %i : tensor<4x3x3xf32>, tensor<4x3x3xi64>
}

// The place may come first.
// CHECK-LABEL: func.func @place_first
// CHECK-SAME: (%[[X:.*]]: tensor<5x1xf32>)
// CHECK: %[[J:.*]] = dl.reshape %[[X]]
// CHECK: dl.arg_reduce max %[[J]] along 0
// CHECK: dl.reduce max %[[J]] over [0]
func.func @place_first(%x: tensor<5x1xf32>) -> (tensor<i64>, tensor<f32>) {
  %j = dl.reshape %x : tensor<5x1xf32> -> tensor<5xf32>
  %i = dl.arg_reduce max %j along 0 : tensor<5xf32> -> tensor<i64>
  %m = dl.reduce max %x over [0, 1] : tensor<5x1xf32> -> tensor<f32>
  return %i, %m : tensor<i64>, tensor<f32>
}

// Not of the minimum, nor of other axes.
// CHECK-LABEL: func.func @others
// CHECK-DAG: dl.reduce min %{{.*}} over [1, 2]
// CHECK-DAG: dl.reduce max %{{.*}} over [0, 2]
func.func @others(%x: tensor<4x3x2xf32>) -> (tensor<4xf32>, tensor<3xf32>, tensor<4xi64>) {
  %m = dl.reduce min %x over [1, 2] : tensor<4x3x2xf32> -> tensor<4xf32>
  %n = dl.reduce max %x over [0, 2] : tensor<4x3x2xf32> -> tensor<3xf32>
  %j = dl.reshape %x : tensor<4x3x2xf32> -> tensor<4x6xf32>
  %i = dl.arg_reduce max %j along 1 : tensor<4x6xf32> -> tensor<4xi64>
  return %m, %n, %i : tensor<4xf32>, tensor<3xf32>, tensor<4xi64>
}

// The gradient is computed in the operand's own shape, of places a byte each.
// CHECK-LABEL: func.func @gradient
// CHECK-SAME: (%[[P:.*]]: tensor<4x3xui8>, %[[G:.*]]: tensor<4x3xf32>)
// CHECK: %[[B:.*]] = dl.broadcast %[[P]] to [0, 1] : tensor<4x3xui8> -> tensor<4x3x2xui8>
// CHECK: %[[R:.*]] = dl.reshape %[[B]] : tensor<4x3x2xui8> -> tensor<4x6xui8>
// CHECK: %[[W:.*]] = dl.cast %[[R]] : tensor<4x6xui8> -> tensor<4x6xi32>
// CHECK: dl.compare eq %{{.*}}, %[[W]] : tensor<4x6xi32>
// CHECK: %[[S:.*]] = dl.select {{.*}} : tensor<4x6xf32>
// CHECK: return %[[S]]
func.func @gradient(%p: tensor<4x3xui8>, %g: tensor<4x3xf32>) -> tensor<4x6xf32> {
  %w = dl.cast %p : tensor<4x3xui8> -> tensor<4x3xi32>
  %b = dl.broadcast %w to [0, 1] : tensor<4x3xi32> -> tensor<4x3x2xi32>
  %n = dl.iota 2 : tensor<4x3x2xi32>
  %c = dl.compare eq %n, %b : tensor<4x3x2xi32> -> tensor<4x3x2xi1>
  %v = dl.broadcast %g to [0, 1] : tensor<4x3xf32> -> tensor<4x3x2xf32>
  %z = dl.constant dense<0.0> : tensor<4x3x2xf32>
  %s = dl.select %c, %v, %z : tensor<4x3x2xf32>
  %r = dl.reshape %s : tensor<4x3x2xf32> -> tensor<4x6xf32>
  return %r : tensor<4x6xf32>
}

// What is read twice is not computed twice.
// CHECK-LABEL: func.func @twice
// CHECK: dl.exp %{{.*}} : tensor<4x3xf32>
// CHECK: dl.reshape
func.func @twice(%x: tensor<4xf32>) -> (tensor<4x3xf32>, tensor<12xf32>) {
  %b = dl.broadcast %x to [0] : tensor<4xf32> -> tensor<4x3xf32>
  %e = dl.exp %b : tensor<4x3xf32>
  %r = dl.reshape %e : tensor<4x3xf32> -> tensor<12xf32>
  return %e, %r : tensor<4x3xf32>, tensor<12xf32>
}
