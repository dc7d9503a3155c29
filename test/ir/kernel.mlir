// Kernels on tensors and on buffers, layouts and buffers read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @fused
func.func @fused(%x: tensor<4x6xf32, #dl.layout<order = [1, 0], row = 16>>, %l: tensor<4xi64>) -> tensor<4xf32> {
  // CHECK: dl.kernel "row_max" map ins(%{{.*}} : tensor<4x6xf32, #dl.layout<order = [1, 0], row = 16>>) outs() {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<4x6xf32>):
  // CHECK: } -> tensor<4xf32>
  %0 = dl.kernel "row_max" map ins(%x : tensor<4x6xf32, #dl.layout<order = [1, 0], row = 16>>) outs() {
  ^bb0(%u: tensor<4x6xf32>):
    %v = dl.reduce max %u over [1] : tensor<4x6xf32> -> tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  // CHECK: dl.kernel "labels" check ins(%{{.*}} : tensor<4xi64>) outs() {
  // CHECK: dl.yield
  // CHECK-NEXT: }
  dl.kernel "labels" check ins(%l : tensor<4xi64>) outs() {
  ^bb0(%u: tensor<4xi64>):
    %v = dl.check_index %u below 6 what "label" : tensor<4xi64>
    dl.yield
  }
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @planned
func.func @planned(%arena: memref<4096xi8>, %x: memref<4x6xf32>) {
  // CHECK: dl.buffer %{{.*}} at 64 : memref<4096xi8> -> memref<4x6xf32, strided<[16, 1]>>
  %y = dl.buffer %arena at 64 : memref<4096xi8> -> memref<4x6xf32, strided<[16, 1]>>
  // CHECK: dl.kernel "relu" map ins(%{{.*}} : memref<4x6xf32>) outs(%{{.*}} : memref<4x6xf32, strided<[16, 1]>>) {
  dl.kernel "relu" map ins(%x : memref<4x6xf32>) outs(%y : memref<4x6xf32, strided<[16, 1]>>) {
  ^bb0(%u: tensor<4x6xf32>):
    %v = dl.relu %u : tensor<4x6xf32>
    dl.yield %v : tensor<4x6xf32>
  }
  return
}

// Kernels that work in memory of their own yield it last.
// CHECK-LABEL: @scratch
func.func @scratch(%x: tensor<4x6xf32>) -> tensor<4x6xi64> {
  // CHECK: dl.scratch : tensor<24xi64>
  %0:2 = dl.kernel "order" sort ins(%x : tensor<4x6xf32>) outs() {
  ^bb0(%u: tensor<4x6xf32>):
    %i = dl.argsort %u along 1 : tensor<4x6xf32> -> tensor<4x6xi64>
    %s = dl.scratch : tensor<24xi64>
    dl.yield %i, %s : tensor<4x6xi64>, tensor<24xi64>
  } -> tensor<4x6xi64>, tensor<24xi64>
  return %0#0 : tensor<4x6xi64>
}
