// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// Identities of arithmetic, logic and casts.

// CHECK-LABEL: func.func @neutral
// CHECK-NEXT: return %arg0
func.func @neutral(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = dl.constant dense<0.0> : tensor<4xf32>
  %negative = dl.constant dense<-0.0> : tensor<4xf32>
  %one = dl.constant dense<1.0> : tensor<4xf32>
  %a = dl.add %negative, %x : tensor<4xf32>
  %b = dl.mul %a, %one : tensor<4xf32>
  %c = dl.sub %b, %zero : tensor<4xf32>
  %d = dl.div %c, %one : tensor<4xf32>
  %e = dl.pow %d, %one : tensor<4xf32>
  %f = dl.neg %e : tensor<4xf32>
  %g = dl.neg %f : tensor<4xf32>
  return %g : tensor<4xf32>
}

// x * 0 may be NaN, and x - x too; -0.0 + 0.0 and -0.0 - -0.0 are 0.0: they stay.
// CHECK-LABEL: func.func @not_exact
// CHECK: dl.mul
// CHECK: dl.sub
// CHECK: dl.add
// CHECK: dl.sub
func.func @not_exact(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = dl.constant dense<0.0> : tensor<4xf32>
  %negative = dl.constant dense<-0.0> : tensor<4xf32>
  %a = dl.mul %x, %zero : tensor<4xf32>
  %b = dl.sub %x, %x : tensor<4xf32>
  %c = dl.add %x, %zero : tensor<4xf32>
  %d = dl.sub %x, %negative : tensor<4xf32>
  return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// What leaves the range on the way does not come back: for 1e38 the first is infinite, for 1e-38 the second is 0. The
// factors of the third have no product.
// CHECK-LABEL: func.func @scales_that_stay
// CHECK-COUNT-6: dl.mul
func.func @scales_that_stay(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %ten = dl.constant dense<10.0> : tensor<4xf32>
  %tiny = dl.constant dense<1.0e-38> : tensor<4xf32>
  %huge = dl.constant dense<1.0e+38> : tensor<4xf32>
  %a = dl.mul %x, %ten : tensor<4xf32>
  %b = dl.mul %a, %tiny : tensor<4xf32>
  %c = dl.mul %x, %tiny : tensor<4xf32>
  %d = dl.mul %c, %huge : tensor<4xf32>
  %e = dl.mul %x, %huge : tensor<4xf32>
  %f = dl.mul %e, %huge : tensor<4xf32>
  return %b, %d, %f : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Nor may infinity times 0 become 0 times 0.
// CHECK-LABEL: func.func @scaled_to_zero
// CHECK-COUNT-2: dl.mul
func.func @scaled_to_zero(%x: tensor<4xf32>) -> tensor<4xf32> {
  %huge = dl.constant dense<1.0e+38> : tensor<4xf32>
  %zero = dl.constant dense<0.0> : tensor<4xf32>
  %a = dl.mul %x, %huge : tensor<4xf32>
  %b = dl.mul %a, %zero : tensor<4xf32>
  return %b : tensor<4xf32>
}

// Integers have no NaN.
// CHECK-LABEL: func.func @exact_in_integers
// CHECK-NEXT: %[[ZERO:.*]] = dl.constant dense<0>
// CHECK-NEXT: return %[[ZERO]], %[[ZERO]]
func.func @exact_in_integers(%x: tensor<4xi64>) -> (tensor<4xi64>, tensor<4xi64>) {
  %zero = dl.constant dense<0> : tensor<4xi64>
  %a = dl.mul %x, %zero : tensor<4xi64>
  %b = dl.sub %x, %x : tensor<4xi64>
  return %a, %b : tensor<4xi64>, tensor<4xi64>
}

// CHECK-LABEL: func.func @divisor_power_of_two
// CHECK: %[[QUARTER:.*]] = dl.constant dense<2.500000e-01>
// CHECK: dl.mul %arg0, %[[QUARTER]]
func.func @divisor_power_of_two(%x: tensor<4xf32>) -> tensor<4xf32> {
  %four = dl.constant dense<4.0> : tensor<4xf32>
  %y = dl.div %x, %four : tensor<4xf32>
  return %y : tensor<4xf32>
}

// 1 / 255 is not exact.
// CHECK-LABEL: func.func @divisor_255
// CHECK: dl.div
func.func @divisor_255(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = dl.constant dense<255.0> : tensor<4xf32>
  %y = dl.div %x, %c : tensor<4xf32>
  return %y : tensor<4xf32>
}

// CHECK-LABEL: func.func @scales_join
// CHECK: %[[C:.*]] = dl.constant dense<-6.000000e+00>
// CHECK: dl.mul %arg0, %[[C]]
func.func @scales_join(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = dl.constant dense<2.0> : tensor<4xf32>
  %three = dl.constant dense<3.0> : tensor<4xf32>
  %a = dl.mul %x, %two : tensor<4xf32>
  %n = dl.neg %a : tensor<4xf32>
  %b = dl.mul %n, %three : tensor<4xf32>
  return %b : tensor<4xf32>
}

// CHECK-LABEL: func.func @small_scales_join
// CHECK: %[[C:.*]] = dl.constant dense<1.250000e-01>
// CHECK: dl.mul %arg0, %[[C]]
func.func @small_scales_join(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = dl.constant dense<0.5> : tensor<4xf32>
  %quarter = dl.constant dense<0.25> : tensor<4xf32>
  %a = dl.mul %x, %half : tensor<4xf32>
  %b = dl.mul %a, %quarter : tensor<4xf32>
  return %b : tensor<4xf32>
}

// CHECK-LABEL: func.func @negation
// CHECK-NEXT: dl.sub %arg0, %arg1
// CHECK-NEXT: dl.add %arg0, %arg1
func.func @negation(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %n = dl.neg %y : tensor<4xf32>
  %a = dl.add %x, %n : tensor<4xf32>
  %b = dl.sub %x, %n : tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @select_and_logic
// CHECK-NEXT: dl.select %arg0, %arg2, %arg1
// CHECK-NEXT: return
func.func @select_and_logic(%m: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  %true = dl.constant dense<true> : tensor<4xi1>
  %n = dl.not %m : tensor<4xi1>
  %a = dl.select %n, %x, %y : tensor<4xf32>
  %b = dl.select %true, %x, %y : tensor<4xf32>
  %c = dl.and %m, %true : tensor<4xi1>
  return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xi1>
}

// The mask of a relu's gradient needs the relu alone; without a relu it stays.
// CHECK-LABEL: func.func @mask_of_relu
// CHECK: %[[H:.*]] = dl.relu %arg0
// CHECK: dl.compare gt %[[H]],
// CHECK: dl.compare gt %arg1,
func.func @mask_of_relu(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>, tensor<4xi1>) {
  %zero = dl.constant dense<0.0> : tensor<4xf32>
  %h = dl.relu %x : tensor<4xf32>
  %m = dl.compare gt %x, %zero : tensor<4xf32> -> tensor<4xi1>
  %n = dl.compare gt %y, %zero : tensor<4xf32> -> tensor<4xi1>
  return %h, %m, %n : tensor<4xf32>, tensor<4xi1>, tensor<4xi1>
}

// Labels are compared with indices as i32; what needs more than 32 bits is not narrowed.
// CHECK-LABEL: func.func @narrow_comparison
// CHECK-DAG: %[[IOTA:.*]] = dl.iota 1 : tensor<4x10xi32>
// CHECK-DAG: %[[LABEL:.*]] = dl.cast %arg0 : tensor<4xui8> -> tensor<4xi32>
// CHECK-DAG: %[[ROWS:.*]] = dl.broadcast %[[LABEL]] to [0]
// CHECK: dl.compare eq %[[IOTA]], %[[ROWS]] : tensor<4x10xi32>
// CHECK: dl.compare lt %arg1, %{{.*}} : tensor<4xi64>
func.func @narrow_comparison(%l: tensor<4xui8>, %x: tensor<4xi64>) -> (tensor<4x10xi1>, tensor<4xi1>) {
  %i = dl.iota 1 : tensor<4x10xi64>
  %w = dl.cast %l : tensor<4xui8> -> tensor<4xi64>
  %b = dl.broadcast %w to [0] : tensor<4xi64> -> tensor<4x10xi64>
  %hit = dl.compare eq %i, %b : tensor<4x10xi64> -> tensor<4x10xi1>
  %c = dl.constant dense<5> : tensor<4xi64>
  %m = dl.compare lt %x, %c : tensor<4xi64> -> tensor<4xi1>
  return %hit, %m : tensor<4x10xi1>, tensor<4xi1>
}

// Through a wider type, but not through a narrower one.
// CHECK-LABEL: func.func @casts
// CHECK-NEXT: dl.cast %arg0 : tensor<4xui8> -> tensor<4xf64>
// CHECK-NEXT: %[[NARROW:.*]] = dl.cast %arg1 : tensor<4xf64> -> tensor<4xf32>
// CHECK-NEXT: dl.cast %[[NARROW]] : tensor<4xf32> -> tensor<4xf64>
func.func @casts(%x: tensor<4xui8>, %y: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %a = dl.cast %x : tensor<4xui8> -> tensor<4xf32>
  %b = dl.cast %a : tensor<4xf32> -> tensor<4xf64>
  %c = dl.cast %y : tensor<4xf64> -> tensor<4xf32>
  %d = dl.cast %c : tensor<4xf32> -> tensor<4xf64>
  return %b, %d : tensor<4xf64>, tensor<4xf64>
}

// A float saturates where an integer wraps: the cast through a float stays unless the result holds every element.
// CHECK-LABEL: func.func @casts_through_float
// CHECK-NEXT: %[[FLOAT:.*]] = dl.cast %arg0 : tensor<4xi32> -> tensor<4xf64>
// CHECK-NEXT: dl.cast %[[FLOAT]] : tensor<4xf64> -> tensor<4xui8>
// CHECK-NEXT: dl.cast %arg0 : tensor<4xi32> -> tensor<4xi64>
// CHECK-NEXT: dl.cast %arg0 : tensor<4xi32> -> tensor<4xi1>
func.func @casts_through_float(%x: tensor<4xi32>) -> (tensor<4xui8>, tensor<4xi64>, tensor<4xi1>) {
  %a = dl.cast %x : tensor<4xi32> -> tensor<4xf64>
  %b = dl.cast %a : tensor<4xf64> -> tensor<4xui8>
  %c = dl.cast %a : tensor<4xf64> -> tensor<4xi64>
  %d = dl.cast %a : tensor<4xf64> -> tensor<4xi1>
  return %b, %c, %d : tensor<4xui8>, tensor<4xi64>, tensor<4xi1>
}

// The magnitude of -5 is that of 5, but 251, which -5 is as ui8, is its own.
// CHECK-LABEL: func.func @magnitudes
// CHECK-NEXT: dl.abs %arg0
// CHECK-NEXT: %[[NEG:.*]] = dl.neg %arg1
// CHECK-NEXT: return %{{.*}}, %[[NEG]]
func.func @magnitudes(%x: tensor<4xi32>, %y: tensor<4xui8>) -> (tensor<4xi32>, tensor<4xui8>) {
  %a = dl.neg %x : tensor<4xi32>
  %b = dl.abs %a : tensor<4xi32>
  %c = dl.neg %y : tensor<4xui8>
  %d = dl.abs %c : tensor<4xui8>
  return %b, %d : tensor<4xi32>, tensor<4xui8>
}

// A check of converted labels is a check of the labels; of two, the stricter that comes first serves both.
// CHECK-LABEL: func.func @checks
// CHECK-NEXT: %[[CHECKED:.*]] = dl.check_index %arg0 below 10 what "label" : tensor<4xui8>
// CHECK-NOT: dl.check_index
// CHECK: dl.cast %[[CHECKED]]
func.func @checks(%label: tensor<4xui8>) -> (tensor<4xi64>, tensor<4xi64>) {
  %l = dl.cast %label : tensor<4xui8> -> tensor<4xi64>
  %a = dl.check_index %l below 10 what "label" : tensor<4xi64>
  %b = dl.check_index %l below 12 what "label" : tensor<4xi64>
  return %a, %b : tensor<4xi64>, tensor<4xi64>
}

// Nothing is differentiated any more, so the barrier goes.
// CHECK-LABEL: func.func @barrier
// CHECK-NEXT: dl.exp %arg0
// CHECK-NEXT: return
func.func @barrier(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = dl.stop_gradient %x : tensor<4xf32>
  %y = dl.exp %s : tensor<4xf32>
  return %y : tensor<4xf32>
}
