// Linear algebra reads and prints the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @kinds
func.func @kinds(%a: tensor<2x4x4xf64>, %b: tensor<2x4x3xf64>, %c: tensor<3x5xf32>) -> tensor<2x4x3xf64> {
  // CHECK: dl.linalg solve(%{{.*}}, %{{.*}}) : (tensor<2x4x4xf64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
  %x = dl.linalg solve(%a, %b) : (tensor<2x4x4xf64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
  // CHECK: dl.linalg triangular(%{{.*}}, %{{.*}}) lower unit
  %t = dl.linalg triangular(%a, %x) lower unit : (tensor<2x4x4xf64>, tensor<2x4x3xf64>) -> tensor<2x4x3xf64>
  // CHECK: dl.linalg cholesky(%{{.*}}) : (tensor<2x4x4xf64>) -> tensor<2x4x4xf64>
  %l = dl.linalg cholesky(%a) : (tensor<2x4x4xf64>) -> tensor<2x4x4xf64>
  // CHECK: dl.linalg det(%{{.*}}) : (tensor<2x4x4xf64>) -> tensor<2xf64>
  %d = dl.linalg det(%a) : (tensor<2x4x4xf64>) -> tensor<2xf64>
  // CHECK: dl.linalg lu(%{{.*}}) : (tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3xi32>)
  %lu:2 = dl.linalg lu(%c) : (tensor<3x5xf32>) -> (tensor<3x5xf32>, tensor<3xi32>)
  // CHECK: dl.linalg qr(%{{.*}}) : (tensor<3x5xf32>) -> (tensor<3x3xf32>, tensor<3x5xf32>)
  %q:2 = dl.linalg qr(%c) : (tensor<3x5xf32>) -> (tensor<3x3xf32>, tensor<3x5xf32>)
  // CHECK: dl.linalg eigh(%{{.*}}) : (tensor<2x4x4xf64>) -> (tensor<2x4xf64>, tensor<2x4x4xf64>)
  %w:2 = dl.linalg eigh(%a) : (tensor<2x4x4xf64>) -> (tensor<2x4xf64>, tensor<2x4x4xf64>)
  // CHECK: dl.linalg eig(%{{.*}}) : (tensor<2x4x4xf64>) -> (tensor<2x4xf64>, tensor<2x4x4xf64>)
  %g:2 = dl.linalg eig(%a) : (tensor<2x4x4xf64>) -> (tensor<2x4xf64>, tensor<2x4x4xf64>)
  // CHECK: dl.linalg svd(%{{.*}}) : (tensor<3x5xf32>) -> (tensor<3x3xf32>, tensor<3xf32>, tensor<3x5xf32>)
  %s:3 = dl.linalg svd(%c) : (tensor<3x5xf32>) -> (tensor<3x3xf32>, tensor<3xf32>, tensor<3x5xf32>)
  return %t : tensor<2x4x3xf64>
}
