// Operations that make and move elements read and print the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @make
func.func @make() -> (tensor<2x2xf32>, tensor<3xui8>, tensor<i1>, tensor<3x4xi64>) {
  // CHECK: dl.constant dense<1.500000e+00> : tensor<2x2xf32>
  %0 = dl.constant dense<1.5> : tensor<2x2xf32>
  // CHECK: dl.constant dense<[1, 2, 255]> : tensor<3xui8>
  %1 = dl.constant dense<[1, 2, 255]> : tensor<3xui8>
  // CHECK: dl.constant dense<true> : tensor<i1>
  %2 = dl.constant dense<true> : tensor<i1>
  // CHECK: dl.iota 1 : tensor<3x4xi64>
  %3 = dl.iota 1 : tensor<3x4xi64>
  return %0, %1, %2, %3 : tensor<2x2xf32>, tensor<3xui8>, tensor<i1>, tensor<3x4xi64>
}

// CHECK-LABEL: @move
func.func @move(%x: tensor<6x4xf32>, %b: tensor<4xf32>) -> (tensor<24xf32>, tensor<4x6xf32>, tensor<2x4xf32>,
    tensor<3x2xf32>, tensor<13x6xf32>, tensor<6x4xf32>, tensor<18x4xf32>) {
  // CHECK: dl.reshape %{{.*}} : tensor<6x4xf32> -> tensor<24xf32>
  %0 = dl.reshape %x : tensor<6x4xf32> -> tensor<24xf32>
  // CHECK: dl.transpose %{{.*}} by [1, 0] : tensor<6x4xf32> -> tensor<4x6xf32>
  %1 = dl.transpose %x by [1, 0] : tensor<6x4xf32> -> tensor<4x6xf32>
  // CHECK: dl.broadcast %{{.*}} to [1] : tensor<4xf32> -> tensor<2x4xf32>
  %2 = dl.broadcast %b to [1] : tensor<4xf32> -> tensor<2x4xf32>
  // CHECK: dl.slice %{{.*}} from [1, 0] step [2, 3] : tensor<6x4xf32> -> tensor<3x2xf32>
  %3 = dl.slice %x from [1, 0] step [2, 3] : tensor<6x4xf32> -> tensor<3x2xf32>
  // CHECK: dl.pad %{{.*}} low [1, 2] interior [1, 0] : tensor<6x4xf32> -> tensor<13x6xf32>
  %4 = dl.pad %x low [1, 2] interior [1, 0] : tensor<6x4xf32> -> tensor<13x6xf32>
  // CHECK: dl.reverse %{{.*}} along [0, 1] : tensor<6x4xf32>
  %5 = dl.reverse %x along [0, 1] : tensor<6x4xf32>
  // CHECK: dl.concat %{{.*}}, %{{.*}}, %{{.*}} along 0 : tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32> -> tensor<18x4xf32>
  %6 = dl.concat %x, %5, %x along 0 : tensor<6x4xf32>, tensor<6x4xf32>, tensor<6x4xf32> -> tensor<18x4xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<24xf32>, tensor<4x6xf32>, tensor<2x4xf32>, tensor<3x2xf32>, tensor<13x6xf32>,
      tensor<6x4xf32>, tensor<18x4xf32>
}

// CHECK-LABEL: @windows
func.func @windows(%x: tensor<2x9xf32>) -> (tensor<2x9xf32>, tensor<2x9x3xf32>) {
  // CHECK: dl.window %{{.*}} along [1] step [2] spread [1] : tensor<2x9xf32> -> tensor<2x4x3xf32>
  %0 = dl.window %x along [1] step [2] spread [1] : tensor<2x9xf32> -> tensor<2x4x3xf32>
  // CHECK: dl.overlap_add %{{.*}} along [1] step [2] spread [1] : tensor<2x4x3xf32> -> tensor<2x9xf32>
  %1 = dl.overlap_add %0 along [1] step [2] spread [1] : tensor<2x4x3xf32> -> tensor<2x9xf32>
  // CHECK: dl.taps %{{.*}} along [1] step [2] spread [1] : tensor<2x4x3xf32> -> tensor<2x9x3xf32>
  %2 = dl.taps %0 along [1] step [2] spread [1] : tensor<2x4x3xf32> -> tensor<2x9x3xf32>
  return %1, %2 : tensor<2x9xf32>, tensor<2x9x3xf32>
}
