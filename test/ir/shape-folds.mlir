// Movements that move nothing, chains of one kind, and splats fold; what moves elements stays.
// RUN: dlc-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @identities
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK-NEXT: return %[[X]] : tensor<2x3xf32>
func.func @identities(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = dl.reshape %x : tensor<2x3xf32> -> tensor<2x3xf32>
  %1 = dl.transpose %0 by [0, 1] : tensor<2x3xf32> -> tensor<2x3xf32>
  %2 = dl.broadcast %1 to [0, 1] : tensor<2x3xf32> -> tensor<2x3xf32>
  %3 = dl.slice %2 from [0, 0] step [1, 1] : tensor<2x3xf32> -> tensor<2x3xf32>
  %4 = dl.pad %3 low [0, 0] interior [0, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  %5 = dl.reverse %4 along [] : tensor<2x3xf32>
  %6 = dl.concat %5 along 0 : tensor<2x3xf32> -> tensor<2x3xf32>
  %7 = dl.cast %6 : tensor<2x3xf32> -> tensor<2x3xf32>
  %8 = dl.reduce sum %7 over [] : tensor<2x3xf32> -> tensor<2x3xf32>
  %9 = dl.transpose %8 by [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %10 = dl.transpose %9 by [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  return %10 : tensor<2x3xf32>
}

// CHECK-LABEL: @chains
func.func @chains(%x: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<4x2x5x3xf32>) {
  // CHECK: dl.reshape %{{.*}} : tensor<2x3xf32> -> tensor<3x2xf32>
  %0 = dl.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  %1 = dl.reshape %0 : tensor<6xf32> -> tensor<3x2xf32>
  // CHECK: dl.broadcast %{{.*}} to [1, 3] : tensor<2x3xf32> -> tensor<4x2x5x3xf32>
  %2 = dl.broadcast %x to [0, 2] : tensor<2x3xf32> -> tensor<2x5x3xf32>
  %3 = dl.broadcast %2 to [1, 2, 3] : tensor<2x5x3xf32> -> tensor<4x2x5x3xf32>
  return %1, %3 : tensor<3x2xf32>, tensor<4x2x5x3xf32>
}

// CHECK-LABEL: @splats
func.func @splats() -> (tensor<3x2xf32>, tensor<5xf32>) {
  // CHECK-DAG: %[[ONES:.*]] = dl.constant dense<1.000000e+00> : tensor<3x2xf32>
  // CHECK-DAG: %[[ZEROS:.*]] = dl.constant dense<0.000000e+00> : tensor<5xf32>
  // CHECK: return %[[ONES]], %[[ZEROS]]
  %one = dl.constant dense<1.0> : tensor<f32>
  %0 = dl.broadcast %one to [] : tensor<f32> -> tensor<2x3xf32>
  %1 = dl.transpose %0 by [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %zero = dl.constant dense<0.0> : tensor<2xf32>
  %2 = dl.pad %zero low [1] interior [1] : tensor<2xf32> -> tensor<5xf32>
  return %1, %2 : tensor<3x2xf32>, tensor<5xf32>
}

// CHECK-LABEL: @stays
func.func @stays(%x: tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<5xf32>) {
  // CHECK: dl.transpose
  %0 = dl.transpose %x by [1, 0] : tensor<2x2xf64> -> tensor<2x2xf64>
  // CHECK: dl.reverse
  %1 = dl.reverse %x along [1] : tensor<2x2xf64>
  // f32 does not hold every f64: the two casts stay.
  // CHECK: dl.cast
  // CHECK: dl.cast
  %2 = dl.cast %x : tensor<2x2xf64> -> tensor<2x2xf32>
  %3 = dl.cast %2 : tensor<2x2xf32> -> tensor<2x2xf64>
  // CHECK: dl.pad
  %ones = dl.constant dense<1.0> : tensor<2xf32>
  %4 = dl.pad %ones low [1] interior [1] : tensor<2xf32> -> tensor<5xf32>
  return %0, %1, %3, %4 : tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<5xf32>
}

// A wider type and back is nothing.
// CHECK-LABEL: @widened
// CHECK-NEXT: return %{{.*}} : tensor<2xui8>
func.func @widened(%x: tensor<2xui8>) -> tensor<2xui8> {
  %0 = dl.cast %x : tensor<2xui8> -> tensor<2xf32>
  %1 = dl.cast %0 : tensor<2xf32> -> tensor<2xui8>
  return %1 : tensor<2xui8>
}
