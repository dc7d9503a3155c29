// RUN: dlc-opt %s --dl-sum-taps | FileCheck %s
// Overlapping windows are added up by sums over taps; windows stay as they are.

// CHECK-LABEL: func.func @added
// CHECK: %[[TAPS:.*]] = dl.taps %arg0 along [0] step [1] spread [1] : tensor<4x3xf32> -> tensor<6x3xf32>
// CHECK: dl.reduce sum %[[TAPS]] over [1]
func.func @added(%u: tensor<4x3xf32>) -> tensor<6xf32> {
  %x = dl.overlap_add %u along [0] step [1] spread [1] : tensor<4x3xf32> -> tensor<6xf32>
  return %x : tensor<6xf32>
}

// CHECK-LABEL: func.func @windows
// CHECK-NEXT: dl.window
func.func @windows(%x: tensor<9xf32>) -> tensor<7x3xf32> {
  %u = dl.window %x along [0] step [1] spread [1] : tensor<9xf32> -> tensor<7x3xf32>
  return %u : tensor<7x3xf32>
}
