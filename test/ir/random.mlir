// Random numbers read and print the same: the key is seed, step, path and loop indices.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @draw
func.func @draw(%seed: tensor<i64>, %step: tensor<i64>, %i: tensor<i64>) -> (tensor<4x2xf32>, tensor<3xf32>) {
  // CHECK: dl.random uniform seed %{{.*}} step %{{.*}} path 17 indices() : tensor<i64>, tensor<i64> -> tensor<4x2xf32>
  %0 = dl.random uniform seed %seed step %step path 17 indices () : tensor<i64>, tensor<i64> -> tensor<4x2xf32>
  // CHECK: dl.random normal seed %{{.*}} step %{{.*}} path -1 indices(%{{.*}}, %{{.*}} : tensor<i64>, tensor<i64>) :
  %1 = dl.random normal seed %seed step %step path -1 indices (%i, %i : tensor<i64>, tensor<i64>)
      : tensor<i64>, tensor<i64> -> tensor<3xf32>
  return %0, %1 : tensor<4x2xf32>, tensor<3xf32>
}
