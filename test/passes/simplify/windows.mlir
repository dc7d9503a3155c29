// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Windows.

// Windows that do not overlap are a reshape.
// CHECK-LABEL: func.func @side_by_side
// CHECK-NOT: dl.window
// CHECK: %[[KEPT:.*]] = dl.slice %arg0 from [0, 0] step [1, 1] : tensor<2x9xf32> -> tensor<2x8xf32>
// CHECK-NEXT: dl.reshape %[[KEPT]] : tensor<2x8xf32> -> tensor<2x4x2xf32>
func.func @side_by_side(%x: tensor<2x9xf32>) -> tensor<2x4x2xf32> {
  %y = dl.window %x along [1] step [2] spread [1] : tensor<2x9xf32> -> tensor<2x4x2xf32>
  return %y : tensor<2x4x2xf32>
}

// CHECK-LABEL: func.func @one_tap
// CHECK-NOT: dl.window
// CHECK: dl.slice %arg0 from [0, 0] step [1, 3] : tensor<2x9xf32> -> tensor<2x3xf32>
func.func @one_tap(%x: tensor<2x9xf32>) -> tensor<2x3x1xf32> {
  %y = dl.window %x along [1] step [3] spread [1] : tensor<2x9xf32> -> tensor<2x3x1xf32>
  return %y : tensor<2x3x1xf32>
}

// Of the other axis there are fewer windows than there is room for.
// CHECK-LABEL: func.func @fewer_windows
// CHECK-NOT: dl.window
// CHECK: %[[PART:.*]] = dl.slice %arg0 from [0, 0] step [1, 1] : tensor<4x3xf32> -> tensor<4x2xf32>
// CHECK: return %{{.*}} : tensor<4x2x1x1xf32>
func.func @fewer_windows(%x: tensor<4x3xf32>) -> tensor<4x2x1x1xf32> {
  %y = dl.window %x along [0, 1] step [1, 1] spread [1, 1] : tensor<4x3xf32> -> tensor<4x2x1x1xf32>
  return %y : tensor<4x2x1x1xf32>
}

// CHECK-LABEL: func.func @fewer_windows_of_more_taps
// CHECK: dl.window %{{.*}} along [2] step [1] spread [1] : tensor<4x1x6xf32> -> tensor<4x1x3x3xf32>
func.func @fewer_windows_of_more_taps(%x: tensor<4x6xf32>) -> tensor<4x3x1x3xf32> {
  %y = dl.window %x along [0, 1] step [1, 1] spread [1, 1] : tensor<4x6xf32> -> tensor<4x3x1x3xf32>
  return %y : tensor<4x3x1x3xf32>
}

// Those that overlap stay.
// CHECK-LABEL: func.func @overlapping
// CHECK-NEXT: dl.window %arg0
func.func @overlapping(%x: tensor<2x9xf32>) -> tensor<2x7x3xf32> {
  %y = dl.window %x along [1] step [1] spread [1] : tensor<2x9xf32> -> tensor<2x7x3xf32>
  return %y : tensor<2x7x3xf32>
}

// CHECK-LABEL: func.func @added_side_by_side
// CHECK-NOT: dl.overlap_add
// CHECK: %[[JOINED:.*]] = dl.reshape %arg0 : tensor<2x4x2xf32> -> tensor<2x8xf32>
// CHECK-NEXT: dl.pad %[[JOINED]] low [0, 0] interior [0, 0] : tensor<2x8xf32> -> tensor<2x9xf32>
func.func @added_side_by_side(%y: tensor<2x4x2xf32>) -> tensor<2x9xf32> {
  %x = dl.overlap_add %y along [1] step [2] spread [1] : tensor<2x4x2xf32> -> tensor<2x9xf32>
  return %x : tensor<2x9xf32>
}

// The gradient of a convolution with respect to its input, of stride 2: the kernel's taps in pairs, of which each is for every
// other place, are turned round, and the windows of the cotangent are neighbours. The places of both are one axis.
// CHECK-LABEL: func.func @input_gradient
// CHECK-DAG: %[[PADDED:.*]] = dl.pad %arg0 low [0, 0, 1] interior [0, 0, 0] : tensor<2x5x4xf32> -> tensor<2x5x6xf32>
// CHECK-DAG: %[[WINDOWS:.*]] = dl.window %[[PADDED]] along [2] step [1] spread [1] : tensor<2x5x6xf32> -> tensor<2x5x5x2xf32>
// CHECK-DAG: %[[FILLED:.*]] = dl.pad %arg1 low [0, 0, 0] interior [0, 0, 0] : tensor<5x3x3xf32> -> tensor<5x3x4xf32>
// CHECK-DAG: %[[PAIRS:.*]] = dl.reshape %[[FILLED]] : tensor<5x3x4xf32> -> tensor<5x3x2x2xf32>
// CHECK-DAG: %[[TURNED:.*]] = dl.reverse %[[PAIRS]] along [2]
// CHECK: %[[BOTH:.*]] = dl.contract "nfpx,fcxA->ncpA" %[[WINDOWS]], %[[TURNED]]
// CHECK: %[[JOINED:.*]] = dl.reshape %[[BOTH]] : tensor<2x3x5x2xf32> -> tensor<2x3x10xf32>
// CHECK: dl.slice %[[JOINED]] from [0, 0, 0] step [1, 1, 1] : tensor<2x3x10xf32> -> tensor<2x3x9xf32>
// CHECK-NOT: dl.overlap_add
func.func @input_gradient(%dy: tensor<2x5x4xf32>, %w: tensor<5x3x3xf32>) -> tensor<2x3x9xf32> {
  %u = dl.contract "nfp,fcx->ncpx" %dy, %w : tensor<2x5x4xf32>, tensor<5x3x3xf32> -> tensor<2x3x4x3xf32>
  %x = dl.overlap_add %u along [2] step [2] spread [1] : tensor<2x3x4x3xf32> -> tensor<2x3x9xf32>
  return %x : tensor<2x3x9xf32>
}

// Taps that are spread out have zeros between the cotangents.
// CHECK-LABEL: func.func @spread_gradient
// CHECK: dl.pad %arg0 low [0, 0, 4] interior [0, 0, 1] : tensor<2x5x4xf32> -> tensor<2x5x15xf32>
// CHECK: dl.contract "nfpx,fcx->ncp"
func.func @spread_gradient(%dy: tensor<2x5x4xf32>, %w: tensor<5x3x3xf32>) -> tensor<2x3x11xf32> {
  %u = dl.contract "nfp,fcx->ncpx" %dy, %w : tensor<2x5x4xf32>, tensor<5x3x3xf32> -> tensor<2x3x4x3xf32>
  %x = dl.overlap_add %u along [2] step [2] spread [2] : tensor<2x3x4x3xf32> -> tensor<2x3x11xf32>
  return %x : tensor<2x3x11xf32>
}

// A product that is used twice, or whose operands both have a position, stays.
// CHECK-LABEL: func.func @other_products
// CHECK-COUNT-2: dl.overlap_add
func.func @other_products(%a: tensor<4x5xf32>, %b: tensor<5x3xf32>, %c: tensor<4x3x5xf32>) -> (tensor<9xf32>, tensor<4x3xf32>, tensor<9xf32>) {
  %u = dl.contract "pk,kx->px" %a, %b : tensor<4x5xf32>, tensor<5x3xf32> -> tensor<4x3xf32>
  %x = dl.overlap_add %u along [0] step [2] spread [1] : tensor<4x3xf32> -> tensor<9xf32>
  %v = dl.contract "pk,pxk->px" %a, %c : tensor<4x5xf32>, tensor<4x3x5xf32> -> tensor<4x3xf32>
  %y = dl.overlap_add %v along [0] step [2] spread [1] : tensor<4x3xf32> -> tensor<9xf32>
  return %x, %u, %y : tensor<9xf32>, tensor<4x3xf32>, tensor<9xf32>
}

// CHECK-LABEL: func.func @part_of_windows
// CHECK: %[[PART:.*]] = dl.slice %arg0 from [2] step [1] : tensor<9xf32> -> tensor<5xf32>
// CHECK: dl.window %[[PART]] along [0] step [2] spread [1] : tensor<5xf32> -> tensor<2x3xf32>
func.func @part_of_windows(%x: tensor<9xf32>) -> tensor<2x3xf32> {
  %u = dl.window %x along [0] step [2] spread [1] : tensor<9xf32> -> tensor<4x3xf32>
  %y = dl.slice %u from [1, 0] step [1, 1] : tensor<4x3xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @part_of_padding
// CHECK-NEXT: dl.pad %arg0 low [1] interior [0] : tensor<4xf32> -> tensor<6xf32>
func.func @part_of_padding(%x: tensor<4xf32>) -> tensor<6xf32> {
  %p = dl.pad %x low [3] interior [0] : tensor<4xf32> -> tensor<9xf32>
  %y = dl.slice %p from [2] step [1] : tensor<9xf32> -> tensor<6xf32>
  return %y : tensor<6xf32>
}

// CHECK-LABEL: func.func @padding_of_padding
// CHECK-NEXT: dl.pad %arg0 low [3] interior [1] : tensor<4xf32> -> tensor<12xf32>
func.func @padding_of_padding(%x: tensor<4xf32>) -> tensor<12xf32> {
  %p = dl.pad %x low [1] interior [1] : tensor<4xf32> -> tensor<9xf32>
  %y = dl.pad %p low [2] interior [0] : tensor<9xf32> -> tensor<12xf32>
  return %y : tensor<12xf32>
}
