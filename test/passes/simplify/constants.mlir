// RUN: dlc-opt %s --dl-simplify --canonicalize | FileCheck %s
// RUN: dlc-opt %s --dl-simplify=fold-constants=false --canonicalize | FileCheck %s --check-prefix=OFF
// Operations on constants.

// CHECK-LABEL: func.func @scalars
// CHECK-NEXT: %[[C:.*]] = dl.constant dense<8.000000e+00> : tensor<f64>
// CHECK-NEXT: return %[[C]]
// OFF-LABEL: func.func @scalars
// OFF: dl.pow
func.func @scalars() -> tensor<f64> {
  %two = dl.constant dense<2.0> : tensor<f64>
  %three = dl.constant dense<3.0> : tensor<f64>
  %p = dl.pow %two, %three : tensor<f64>
  return %p : tensor<f64>
}

// CHECK-LABEL: func.func @elements
// CHECK-NEXT: %[[C:.*]] = dl.constant dense<[true, false, false]>
// CHECK-NEXT: return %[[C]]
func.func @elements() -> tensor<3xi1> {
  %a = dl.constant dense<[1, 2, 3]> : tensor<3xi64>
  %b = dl.constant dense<2> : tensor<3xi64>
  %c = dl.compare lt %a, %b : tensor<3xi64> -> tensor<3xi1>
  return %c : tensor<3xi1>
}

// Random numbers are drawn when the program runs, large tensors are made then, and so is what repeats a small one.
// CHECK-LABEL: func.func @stays
// CHECK: dl.random
// CHECK: dl.exp
// CHECK: dl.broadcast
func.func @stays() -> (tensor<4xf32>, tensor<100x100xf32>, tensor<5x3xf32>) {
  %key = dl.constant dense<1> : tensor<i64>
  %r = dl.random uniform seed %key step %key path 17 indices () : tensor<i64>, tensor<i64> -> tensor<4xf32>
  %big = dl.constant dense<1.0> : tensor<100x100xf32>
  %e = dl.exp %big : tensor<100x100xf32>
  %small = dl.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = dl.broadcast %small to [1] : tensor<3xf32> -> tensor<5x3xf32>
  return %r, %e, %b : tensor<4xf32>, tensor<100x100xf32>, tensor<5x3xf32>
}

// A constant that has no value in the type is left to the program.
// CHECK-LABEL: func.func @out_of_range
// CHECK: dl.gather
func.func @out_of_range() -> tensor<2xf32> {
  %t = dl.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %i = dl.constant dense<[0, 7]> : tensor<2xi64>
  %g = dl.gather %t at %i along 0 : tensor<3xf32>, tensor<2xi64> -> tensor<2xf32>
  return %g : tensor<2xf32>
}

// Whole numbers are summed, floats are not: 3e38 + 3e38 - 3e38 is infinite, and not in f64.
// CHECK-LABEL: func.func @sums
// CHECK: dl.constant dense<6>
// CHECK: dl.reduce sum
func.func @sums() -> (tensor<i64>, tensor<f32>) {
  %a = dl.constant dense<[1, 2, 3]> : tensor<3xi64>
  %s = dl.reduce sum %a over [0] : tensor<3xi64> -> tensor<i64>
  %b = dl.constant dense<[3.0e+38, 3.0e+38, -3.0e+38]> : tensor<3xf32>
  %t = dl.reduce sum %b over [0] : tensor<3xf32> -> tensor<f32>
  return %s, %t : tensor<i64>, tensor<f32>
}
