// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// RUN: dlc-opt %s --dl-simplify=one-hot-products=false | FileCheck %s --check-prefix=DENSE
// Contractions.

// CHECK-LABEL: func.func @transposed_operand
// CHECK-NEXT: dl.contract "nk,mk->nm" %arg0, %arg1
// CHECK-NEXT: return
func.func @transposed_operand(%x: tensor<64x784xf32>, %w: tensor<128x784xf32>) -> tensor<64x128xf32> {
  %t = dl.transpose %w by [1, 0] : tensor<128x784xf32> -> tensor<784x128xf32>
  %y = dl.contract "nk,km->nm" %x, %t : tensor<64x784xf32>, tensor<784x128xf32> -> tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}

// CHECK-LABEL: func.func @transposed_result
// CHECK-NEXT: dl.contract "nk,mk->mn" %arg0, %arg1
// CHECK-NEXT: return
func.func @transposed_result(%x: tensor<64x784xf32>, %w: tensor<128x784xf32>) -> tensor<128x64xf32> {
  %y = dl.contract "nk,mk->nm" %x, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  %t = dl.transpose %y by [1, 0] : tensor<64x128xf32> -> tensor<128x64xf32>
  return %t : tensor<128x64xf32>
}

// An axis of size 1 that was added for the product is no axis of it.
// CHECK-LABEL: func.func @matrix_times_vector
// CHECK-NEXT: dl.contract "nk,k->n" %arg0, %arg1
// CHECK-NEXT: return
func.func @matrix_times_vector(%a: tensor<8x4xf32>, %x: tensor<4xf32>) -> tensor<8xf32> {
  %c = dl.reshape %x : tensor<4xf32> -> tensor<4x1xf32>
  %y = dl.contract "nk,km->nm" %a, %c : tensor<8x4xf32>, tensor<4x1xf32> -> tensor<8x1xf32>
  %r = dl.reshape %y : tensor<8x1xf32> -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// A product with what repeats along the sum is a sum of products: the sum alone might overflow.
// CHECK-LABEL: func.func @repeated_along_the_sum
// CHECK: %[[SCALE:.*]] = dl.broadcast %arg0 to [0]
// CHECK: %[[SCALED:.*]] = dl.mul %arg1, %[[SCALE]]
// CHECK: %[[SUM:.*]] = dl.reduce sum %[[SCALED]] over [1]
// CHECK: dl.broadcast %[[SUM]] to [1] : tensor<128xf32> -> tensor<64x128xf32>
// CHECK-NOT: dl.contract
func.func @repeated_along_the_sum(%x: tensor<128xf32>, %w: tensor<128x784xf32>) -> tensor<64x128xf32> {
  %b = dl.broadcast %x to [0] : tensor<128xf32> -> tensor<128x784xf32>
  %s = dl.contract "mk,mk->m" %b, %w : tensor<128x784xf32>, tensor<128x784xf32> -> tensor<128xf32>
  %y = dl.broadcast %s to [1] : tensor<128xf32> -> tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}

// What has an axis of its own stays an operand: a sum of products would have more elements than both.
// CHECK-LABEL: func.func @repeated_operand
// CHECK: dl.contract "nk,mk->nm"
func.func @repeated_operand(%x: tensor<64xf32>, %w: tensor<128x784xf32>) -> tensor<64x128xf32> {
  %b = dl.broadcast %x to [0] : tensor<64xf32> -> tensor<64x784xf32>
  %y = dl.contract "nk,mk->nm" %b, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}

// Along an axis of size 1 nothing is summed.
// CHECK-LABEL: func.func @repeated_along_one
// CHECK-NOT: dl.contract
// CHECK: dl.mul
func.func @repeated_along_one(%x: tensor<64xf32>, %w: tensor<1x32xf32>) -> tensor<64x32xf32> {
  %b = dl.broadcast %x to [0] : tensor<64xf32> -> tensor<64x1xf32>
  %y = dl.contract "nk,km->nm" %b, %w : tensor<64x1xf32>, tensor<1x32xf32> -> tensor<64x32xf32>
  return %y : tensor<64x32xf32>
}

// CHECK-LABEL: func.func @outer_product
// CHECK-NOT: dl.contract
// CHECK: dl.mul
func.func @outer_product(%x: tensor<64xf32>, %y: tensor<10xf32>) -> tensor<64x10xf32> {
  %z = dl.contract "n,m->nm" %x, %y : tensor<64xf32>, tensor<10xf32> -> tensor<64x10xf32>
  return %z : tensor<64x10xf32>
}

// A factor on an argument stays there: without it the argument would not overflow, or the product would.
// CHECK-LABEL: func.func @scaled_argument
// CHECK: %[[S:.*]] = dl.mul %arg0
// CHECK: dl.contract "nk,mk->nm" %[[S]], %arg1
func.func @scaled_argument(%x: tensor<64x784xf32>, %w: tensor<128x784xf32>) -> tensor<64x128xf32> {
  %c = dl.constant dense<3.0> : tensor<64x784xf32>
  %s = dl.mul %x, %c : tensor<64x784xf32>
  %y = dl.contract "nk,mk->nm" %s, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  return %y : tensor<64x128xf32>
}

// A product with a constant is a sum of scaled elements.
// CHECK-LABEL: func.func @product_with_constant
// CHECK-DAG: %[[HALVES:.*]] = dl.mul %arg0
// CHECK-DAG: dl.reduce sum %[[HALVES]] over [1]
// CHECK-DAG: %[[DOUBLES:.*]] = dl.mul %arg0
// CHECK-DAG: dl.reduce sum %[[DOUBLES]] over [1]
// CHECK-NOT: dl.contract
func.func @product_with_constant(%x: tensor<64x784xf32>) -> (tensor<64xf32>, tensor<64xf32>) {
  %c = dl.constant dense<0.5> : tensor<784xf32>
  %y = dl.contract "nk,k->n" %x, %c : tensor<64x784xf32>, tensor<784xf32> -> tensor<64xf32>
  %d = dl.constant dense<2.0> : tensor<784xf32>
  %z = dl.contract "nk,k->n" %x, %d : tensor<64x784xf32>, tensor<784xf32> -> tensor<64xf32>
  return %y, %z : tensor<64xf32>, tensor<64xf32>
}

// Rows that a one-hot matrix picks are gathered.
// CHECK-LABEL: func.func @one_hot
// CHECK-NOT: dl.contract
// CHECK: dl.gather %arg1 at %{{.*}} along 0 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
// DENSE-LABEL: func.func @one_hot
// DENSE: dl.contract
func.func @one_hot(%i: tensor<6xi64>, %table: tensor<9x4xf32>) -> tensor<6x4xf32> {
  %checked = dl.check_index %i below 9 what "index" : tensor<6xi64>
  %b = dl.broadcast %checked to [0] : tensor<6xi64> -> tensor<6x9xi64>
  %iota = dl.iota 1 : tensor<6x9xi64>
  %hit = dl.compare eq %b, %iota : tensor<6x9xi64> -> tensor<6x9xi1>
  %hot = dl.cast %hit : tensor<6x9xi1> -> tensor<6x9xf32>
  %rows = dl.contract "iv,vd->id" %hot, %table : tensor<6x9xf32>, tensor<9x4xf32> -> tensor<6x4xf32>
  return %rows : tensor<6x4xf32>
}

// Unchecked indices may be out of range, where one_hot gives zeros.
// CHECK-LABEL: func.func @unchecked_one_hot
// CHECK: dl.contract
func.func @unchecked_one_hot(%i: tensor<6xi64>, %table: tensor<9x4xf32>) -> tensor<6x4xf32> {
  %b = dl.broadcast %i to [0] : tensor<6xi64> -> tensor<6x9xi64>
  %iota = dl.iota 1 : tensor<6x9xi64>
  %hit = dl.compare eq %b, %iota : tensor<6x9xi64> -> tensor<6x9xi1>
  %hot = dl.cast %hit : tensor<6x9xi1> -> tensor<6x9xf32>
  %rows = dl.contract "iv,vd->id" %hot, %table : tensor<6x9xf32>, tensor<9x4xf32> -> tensor<6x4xf32>
  return %rows : tensor<6x4xf32>
}

// A label above 255 would be another class as ui8, one above 2^24 as f32, one above 256 as bf16.
// CHECK-LABEL: func.func @one_hot_of_wrapped
// CHECK: dl.contract
func.func @one_hot_of_wrapped(%i: tensor<6xi64>, %table: tensor<300x4xf32>) -> tensor<6x4xf32> {
  %checked = dl.check_index %i below 300 what "index" : tensor<6xi64>
  %narrow = dl.cast %checked : tensor<6xi64> -> tensor<6xui8>
  %wide = dl.cast %narrow : tensor<6xui8> -> tensor<6xi64>
  %b = dl.broadcast %wide to [0] : tensor<6xi64> -> tensor<6x300xi64>
  %iota = dl.iota 1 : tensor<6x300xi64>
  %hit = dl.compare eq %b, %iota : tensor<6x300xi64> -> tensor<6x300xi1>
  %hot = dl.cast %hit : tensor<6x300xi1> -> tensor<6x300xf32>
  %rows = dl.contract "iv,vd->id" %hot, %table : tensor<6x300xf32>, tensor<300x4xf32> -> tensor<6x4xf32>
  return %rows : tensor<6x4xf32>
}

// CHECK-LABEL: func.func @one_hot_of_rounded
// CHECK: dl.gather %arg1 at %{{.*}} along 0 : tensor<257x4xf32>
// CHECK: dl.contract
func.func @one_hot_of_rounded(%i: tensor<6xi64>, %t257: tensor<257x4xf32>, %t258: tensor<258x4xf32>) -> (tensor<6x4xf32>, tensor<6x4xf32>) {
  %checked = dl.check_index %i below 257 what "index" : tensor<6xi64>
  %rounded = dl.cast %checked : tensor<6xi64> -> tensor<6xbf16>
  %b = dl.broadcast %rounded to [0] : tensor<6xbf16> -> tensor<6x257xbf16>
  %iota = dl.iota 1 : tensor<6x257xbf16>
  %hit = dl.compare eq %b, %iota : tensor<6x257xbf16> -> tensor<6x257xi1>
  %hot = dl.cast %hit : tensor<6x257xi1> -> tensor<6x257xf32>
  %rows = dl.contract "iv,vd->id" %hot, %t257 : tensor<6x257xf32>, tensor<257x4xf32> -> tensor<6x4xf32>
  %b258 = dl.broadcast %rounded to [0] : tensor<6xbf16> -> tensor<6x258xbf16>
  %iota258 = dl.iota 1 : tensor<6x258xbf16>
  %hit258 = dl.compare eq %b258, %iota258 : tensor<6x258xbf16> -> tensor<6x258xi1>
  %hot258 = dl.cast %hit258 : tensor<6x258xi1> -> tensor<6x258xf32>
  %rows258 = dl.contract "iv,vd->id" %hot258, %t258 : tensor<6x258xf32>, tensor<258x4xf32> -> tensor<6x4xf32>
  return %rows, %rows258 : tensor<6x4xf32>, tensor<6x4xf32>
}
