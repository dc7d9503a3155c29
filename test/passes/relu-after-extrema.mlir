// RUN: dlc-opt %s --dl-relu-after-extrema | FileCheck %s

// The maximum of windows of what was cut at zero is cut at zero itself: fewer elements, and a mask of them alone for the gradient.
// CHECK-LABEL: func.func @pool
// CHECK-SAME: (%[[X:.*]]: tensor<4x8x6x6xf32>)
// CHECK: %[[W:.*]] = dl.window %[[X]]
// CHECK: %[[M:.*]] = dl.reduce max %[[W]] over [4, 5]
// CHECK: %[[R:.*]] = dl.relu %[[M]] : tensor<4x8x3x3xf32>
// CHECK: return %[[R]]
func.func @pool(%x: tensor<4x8x6x6xf32>) -> tensor<4x8x3x3xf32> {
  %r = dl.relu %x : tensor<4x8x6x6xf32>
  %w = dl.window %r along [2, 3] step [2, 2] spread [1, 1] : tensor<4x8x6x6xf32> -> tensor<4x8x3x3x2x2xf32>
  %m = dl.reduce max %w over [4, 5] : tensor<4x8x3x3x2x2xf32> -> tensor<4x8x3x3xf32>
  return %m : tensor<4x8x3x3xf32>
}

// What something else reads stays, and so does what is summed.
// CHECK-LABEL: func.func @read_twice
// CHECK: dl.relu %{{.*}} : tensor<4x6xf32>
// CHECK: dl.reduce max
func.func @read_twice(%x: tensor<4x6xf32>) -> (tensor<4xf32>, tensor<4x6xf32>) {
  %r = dl.relu %x : tensor<4x6xf32>
  %m = dl.reduce max %r over [1] : tensor<4x6xf32> -> tensor<4xf32>
  return %m, %r : tensor<4xf32>, tensor<4x6xf32>
}

// CHECK-LABEL: func.func @sum
// CHECK: dl.relu %{{.*}} : tensor<4x6xf32>
func.func @sum(%x: tensor<4x6xf32>) -> tensor<4xf32> {
  %r = dl.relu %x : tensor<4x6xf32>
  %m = dl.reduce sum %r over [1] : tensor<4x6xf32> -> tensor<4xf32>
  return %m : tensor<4xf32>
}

// The maximum of nothing is not 0.
// CHECK-LABEL: func.func @empty
// CHECK: dl.relu %{{.*}} : tensor<4x0xf32>
func.func @empty(%x: tensor<4x0xf32>) -> tensor<4xf32> {
  %r = dl.relu %x : tensor<4x0xf32>
  %m = dl.reduce max %r over [1] : tensor<4x0xf32> -> tensor<4xf32>
  return %m : tensor<4xf32>
}
