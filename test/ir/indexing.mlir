// gather, scatter_add, argsort, slices and updates at computed places read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @rows
func.func @rows(%table: tensor<9x4xf32>, %i: tensor<6xi64>) -> tensor<9x4xf32> {
  // CHECK: dl.gather %{{.*}} at %{{.*}} along 0 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
  %0 = dl.gather %table at %i along 0 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
  // CHECK: dl.scatter_add %{{.*}} at %{{.*}} with %{{.*}} along 0 : tensor<9x4xf32>, tensor<6xi64>, tensor<6x4xf32>
  %1 = dl.scatter_add %table at %i with %0 along 0 : tensor<9x4xf32>, tensor<6xi64>, tensor<6x4xf32>
  return %1 : tensor<9x4xf32>
}

// Indices of rank 2 and 0, along an inner axis.
// CHECK-LABEL: @inner
func.func @inner(%x: tensor<2x9x4xf32>, %i: tensor<5x3xui8>, %k: tensor<i32>) -> (tensor<2x5x3x4xf32>, tensor<2x4xf32>) {
  // CHECK: dl.gather %{{.*}} along 1 : tensor<2x9x4xf32>, tensor<5x3xui8> -> tensor<2x5x3x4xf32>
  %0 = dl.gather %x at %i along 1 : tensor<2x9x4xf32>, tensor<5x3xui8> -> tensor<2x5x3x4xf32>
  // CHECK: dl.gather %{{.*}} along 1 : tensor<2x9x4xf32>, tensor<i32> -> tensor<2x4xf32>
  %1 = dl.gather %x at %k along 1 : tensor<2x9x4xf32>, tensor<i32> -> tensor<2x4xf32>
  return %0, %1 : tensor<2x5x3x4xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: @order
func.func @order(%x: tensor<4x5xf32>) -> tensor<4x5xi64> {
  // CHECK: dl.argsort %{{.*}} along 1 : tensor<4x5xf32> -> tensor<4x5xi64>
  %0 = dl.argsort %x along 1 : tensor<4x5xf32> -> tensor<4x5xi64>
  // CHECK: dl.argsort descending %{{.*}} along 0 : tensor<4x5xi64> -> tensor<4x5xi64>
  %1 = dl.argsort descending %0 along 0 : tensor<4x5xi64> -> tensor<4x5xi64>
  return %1 : tensor<4x5xi64>
}

// CHECK-LABEL: @parts
func.func @parts(%x: tensor<9x4xf32>, %i: tensor<i64>) -> tensor<9x4xf32> {
  // CHECK: dl.dynamic_slice %{{.*}} at(%{{.*}}, %{{.*}}) along [0, 1] : tensor<9x4xf32>, tensor<i64>, tensor<i64> -> tensor<2x3xf32>
  %0 = dl.dynamic_slice %x at (%i, %i) along [0, 1] : tensor<9x4xf32>, tensor<i64>, tensor<i64> -> tensor<2x3xf32>
  // CHECK: dl.dynamic_update %{{.*}} with %{{.*}} at(%{{.*}}, %{{.*}}) along [0, 1] : tensor<9x4xf32>, tensor<2x3xf32>, tensor<i64>, tensor<i64>
  %1 = dl.dynamic_update %x with %0 at (%i, %i) along [0, 1] : tensor<9x4xf32>, tensor<2x3xf32>, tensor<i64>, tensor<i64>
  // CHECK: dl.dynamic_update add %{{.*}} with
  %2 = dl.dynamic_update add %1 with %0 at (%i, %i) along [0, 1] : tensor<9x4xf32>, tensor<2x3xf32>, tensor<i64>, tensor<i64>
  return %2 : tensor<9x4xf32>
}
