// RUN: dlc-opt %s --dl-fold-empty | FileCheck %s
// Axes of size 0.

// CHECK-LABEL: func.func @elementwise
// CHECK-NEXT: dl.constant dense<0.000000e+00> : tensor<2x0xf32>
// CHECK-NOT: dl.check_index
// CHECK-NEXT: dl.constant dense<0> : tensor<0xi64>
// CHECK-NEXT: return
func.func @elementwise(%x: tensor<2x0xf32>, %i: tensor<0xi64>) -> (tensor<2x0xf32>, tensor<0xi64>) {
  %y = dl.exp %x : tensor<2x0xf32>
  %c = dl.check_index %i below 3 what "index" : tensor<0xi64>
  return %y, %c : tensor<2x0xf32>, tensor<0xi64>
}

// An empty join is its neutral element, an empty sum of products is 0.
// CHECK-LABEL: func.func @joins
// CHECK-NEXT: dl.constant dense<0.000000e+00> : tensor<2xf32>
// CHECK-NEXT: dl.constant dense<1.000000e+00> : tensor<2xf32>
// CHECK-NEXT: dl.constant dense<0xFF800000> : tensor<2xf32>
// CHECK-NEXT: dl.constant dense<0.000000e+00> : tensor<2x3xf32>
// CHECK-NEXT: return
func.func @joins(%x: tensor<2x0xf32>, %w: tensor<0x3xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x3xf32>) {
  %s = dl.reduce sum %x over [1] : tensor<2x0xf32> -> tensor<2xf32>
  %p = dl.reduce prod %x over [1] : tensor<2x0xf32> -> tensor<2xf32>
  %m = dl.reduce max %x over [1] : tensor<2x0xf32> -> tensor<2xf32>
  %y = dl.contract "nk,km->nm" %x, %w : tensor<2x0xf32>, tensor<0x3xf32> -> tensor<2x3xf32>
  return %s, %p, %m, %y : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: func.func @movements
// CHECK-NEXT: dl.concat %arg1, %arg1 along 1 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x6xf32>
// CHECK-NEXT: dl.constant dense<0.000000e+00> : tensor<2x4xf32>
// CHECK-NEXT: return %{{.*}}, %{{.*}}, %arg1
func.func @movements(%x: tensor<2x0xf32>, %y: tensor<2x3xf32>, %i: tensor<0xi64>, %u: tensor<0x3xf32>)
    -> (tensor<2x6xf32>, tensor<2x4xf32>, tensor<2x3xf32>) {
  %c = dl.concat %y, %x, %y along 1 : tensor<2x3xf32>, tensor<2x0xf32>, tensor<2x3xf32> -> tensor<2x6xf32>
  %p = dl.pad %x low [0, 1] interior [0, 0] : tensor<2x0xf32> -> tensor<2x4xf32>
  %s = dl.scatter_add %y at %i with %u along 0 : tensor<2x3xf32>, tensor<0xi64>, tensor<0x3xf32>
  return %c, %p, %s : tensor<2x6xf32>, tensor<2x4xf32>, tensor<2x3xf32>
}

// Scalars have one element, and an axis of size 1 is not empty.
// CHECK-LABEL: func.func @full
// CHECK-NEXT: dl.reduce max
// CHECK-NEXT: dl.exp
func.func @full(%x: tensor<2x1xf32>) -> tensor<2xf32> {
  %m = dl.reduce max %x over [1] : tensor<2x1xf32> -> tensor<2xf32>
  %e = dl.exp %m : tensor<2xf32>
  return %e : tensor<2xf32>
}
