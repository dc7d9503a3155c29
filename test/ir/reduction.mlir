// Reductions read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @reduce
func.func @reduce(%x: tensor<4x5x6xf32>, %m: tensor<4x5xi1>, %i: tensor<4xi64>)
    -> (tensor<5xf32>, tensor<4x6xf32>, tensor<4x5xf32>, tensor<f32>, tensor<4xi1>, tensor<5xi1>, tensor<i64>) {
  // CHECK: dl.reduce sum %{{.*}} over [0, 2] : tensor<4x5x6xf32> -> tensor<5xf32>
  %0 = dl.reduce sum %x over [0, 2] : tensor<4x5x6xf32> -> tensor<5xf32>
  // CHECK: dl.reduce prod %{{.*}} over [1]
  %1 = dl.reduce prod %x over [1] : tensor<4x5x6xf32> -> tensor<4x6xf32>
  // CHECK: dl.reduce max %{{.*}} over [2]
  %2 = dl.reduce max %x over [2] : tensor<4x5x6xf32> -> tensor<4x5xf32>
  // CHECK: dl.reduce min %{{.*}} over [0, 1, 2] : tensor<4x5x6xf32> -> tensor<f32>
  %3 = dl.reduce min %x over [0, 1, 2] : tensor<4x5x6xf32> -> tensor<f32>
  // CHECK: dl.reduce all %{{.*}} over [1] : tensor<4x5xi1> -> tensor<4xi1>
  %4 = dl.reduce all %m over [1] : tensor<4x5xi1> -> tensor<4xi1>
  // CHECK: dl.reduce any %{{.*}} over [0]
  %5 = dl.reduce any %m over [0] : tensor<4x5xi1> -> tensor<5xi1>
  // CHECK: dl.reduce sum %{{.*}} over [0] : tensor<4xi64> -> tensor<i64>
  %6 = dl.reduce sum %i over [0] : tensor<4xi64> -> tensor<i64>
  return %0, %1, %2, %3, %4, %5, %6
      : tensor<5xf32>, tensor<4x6xf32>, tensor<4x5xf32>, tensor<f32>, tensor<4xi1>, tensor<5xi1>, tensor<i64>
}

// CHECK-LABEL: @arg_reduce
func.func @arg_reduce(%x: tensor<4x5xf32>) -> (tensor<4xi64>, tensor<5xi64>) {
  // CHECK: dl.arg_reduce max %{{.*}} along 1 : tensor<4x5xf32> -> tensor<4xi64>
  %0 = dl.arg_reduce max %x along 1 : tensor<4x5xf32> -> tensor<4xi64>
  // CHECK: dl.arg_reduce min %{{.*}} along 0 : tensor<4x5xf32> -> tensor<5xi64>
  %1 = dl.arg_reduce min %x along 0 : tensor<4x5xf32> -> tensor<5xi64>
  return %0, %1 : tensor<4xi64>, tensor<5xi64>
}

// CHECK-LABEL: @cumulative
func.func @cumulative(%x: tensor<4x5xf32>) -> tensor<4x5xf32> {
  // CHECK: dl.cumulative sum %{{.*}} along 1 : tensor<4x5xf32>
  %0 = dl.cumulative sum %x along 1 : tensor<4x5xf32>
  // CHECK: dl.cumulative sum reverse %{{.*}} along 0 : tensor<4x5xf32>
  %1 = dl.cumulative sum reverse %0 along 0 : tensor<4x5xf32>
  // CHECK: dl.cumulative logsumexp %{{.*}} along 0 : tensor<4x5xf32>
  %2 = dl.cumulative logsumexp %1 along 0 : tensor<4x5xf32>
  // CHECK: dl.recurrence reverse %{{.*}}, %{{.*}} along 1 : tensor<4x5xf32>
  %3 = dl.recurrence reverse %x, %2 along 1 : tensor<4x5xf32>
  return %3 : tensor<4x5xf32>
}

// CHECK-LABEL: func.func @parts
func.func @parts(%x: tensor<4x100x6xf32>, %h: tensor<100xbf16>) -> tensor<2x4xf32> {
  // CHECK: dl.reduce_parts sum %{{.*}} over [1, 2] in chunks 64 of 1 : tensor<4x100x6xf32> -> tensor<2x4xf32>
  %0 = dl.reduce_parts sum %x over [1, 2] in chunks 64 of 1 : tensor<4x100x6xf32> -> tensor<2x4xf32>
  // Parts of bf16 keep their digits.
  // CHECK: dl.reduce_parts sum %{{.*}} over [0] in chunks 30 of 0 : tensor<100xbf16> -> tensor<4xf32>
  %1 = dl.reduce_parts sum %h over [0] in chunks 30 of 0 : tensor<100xbf16> -> tensor<4xf32>
  return %0 : tensor<2x4xf32>
}
