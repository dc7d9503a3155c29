// RUN: dlc-opt %s --dl-simplify --canonicalize --cse | FileCheck %s
// RUN: dlc-opt %s --dl-simplify=one-hot-products=false --canonicalize | FileCheck %s --check-prefix=EACH
// Products with rows of tables that are asked for more often than there are rows.

// CHECK-LABEL: func.func @rows
// CHECK-NEXT: %[[P:.*]] = dl.contract "Ak,nk->An" %arg0, %arg2 : tensor<5x48xf32>, tensor<32x48xf32> -> tensor<5x32xf32>
// CHECK-NEXT: %[[R:.*]] = dl.gather %[[P]] at %arg1 along 0 : tensor<5x32xf32>, tensor<4x6xi32> -> tensor<4x6x32xf32>
// CHECK-NEXT: return %[[R]]
// EACH-LABEL: func.func @rows
// EACH: dl.gather %arg0
func.func @rows(%e: tensor<5x48xf32>, %i: tensor<4x6xi32>, %w: tensor<32x48xf32>) -> tensor<4x6x32xf32> {
  %x = dl.gather %e at %i along 0 : tensor<5x48xf32>, tensor<4x6xi32> -> tensor<4x6x48xf32>
  %y = dl.contract "tmk,nk->tmn" %x, %w : tensor<4x6x48xf32>, tensor<32x48xf32> -> tensor<4x6x32xf32>
  return %y : tensor<4x6x32xf32>
}

// The rows on the right, and last in the result.
// CHECK-LABEL: func.func @rows_of_columns
// CHECK: %[[P:.*]] = dl.contract "nk,kA->nA" %arg2, %arg0 : tensor<32x48xf32>, tensor<48x5xf32> -> tensor<32x5xf32>
// CHECK: dl.gather %[[P]] at %arg1 along 1
func.func @rows_of_columns(%e: tensor<48x5xf32>, %i: tensor<24xi32>, %w: tensor<32x48xf32>) -> tensor<32x24xf32> {
  %x = dl.gather %e at %i along 1 : tensor<48x5xf32>, tensor<24xi32> -> tensor<48x24xf32>
  %y = dl.contract "nk,km->nm" %w, %x : tensor<32x48xf32>, tensor<48x24xf32> -> tensor<32x24xf32>
  return %y : tensor<32x24xf32>
}

// Both gradients take what belongs to a row together first, once.
// CHECK-LABEL: func.func @gradients
// CHECK: %[[I:.*]] = dl.transpose %arg1 by [1, 0]
// CHECK: %[[S:.*]] = dl.scatter_add %{{.*}} at %[[I]] with %arg3 along 0 : tensor<5x32xf32>, tensor<6x4xi32>, tensor<6x4x32xf32>
// CHECK-NOT: dl.scatter_add
// CHECK: dl.contract "An,nk->Ak" %[[S]], %arg2 : tensor<5x32xf32>, tensor<32x48xf32> -> tensor<5x48xf32>
// CHECK: dl.contract "An,Ak->nk" %[[S]], %arg0 : tensor<5x32xf32>, tensor<5x48xf32> -> tensor<32x48xf32>
func.func @gradients(%e: tensor<5x48xf32>, %i: tensor<4x6xi32>, %w: tensor<32x48xf32>, %dy: tensor<6x4x32xf32>)
    -> (tensor<5x48xf32>, tensor<32x48xf32>) {
  %z = dl.constant dense<0.0> : tensor<5x48xf32>
  %dx = dl.contract "amn,nk->mak" %dy, %w : tensor<6x4x32xf32>, tensor<32x48xf32> -> tensor<4x6x48xf32>
  %de = dl.scatter_add %z at %i with %dx along 0 : tensor<5x48xf32>, tensor<4x6xi32>, tensor<4x6x48xf32>
  %t = dl.transpose %i by [1, 0] : tensor<4x6xi32> -> tensor<6x4xi32>
  %x = dl.gather %e at %t along 0 : tensor<5x48xf32>, tensor<6x4xi32> -> tensor<6x4x48xf32>
  %dw = dl.contract "amn,amk->nk" %dy, %x : tensor<6x4x32xf32>, tensor<6x4x48xf32> -> tensor<32x48xf32>
  return %de, %dw : tensor<5x48xf32>, tensor<32x48xf32>
}

// Not for more rows than are asked for, where the rows are summed with a batch, of bf16, or of what is read as it is.
// CHECK-LABEL: func.func @few
// CHECK: dl.gather %arg0
// CHECK: dl.contract "mk,nk->mn"
func.func @few(%e: tensor<50x48xf32>, %i: tensor<24xi32>, %w: tensor<32x48xf32>) -> tensor<24x32xf32> {
  %x = dl.gather %e at %i along 0 : tensor<50x48xf32>, tensor<24xi32> -> tensor<24x48xf32>
  %y = dl.contract "mk,nk->mn" %x, %w : tensor<24x48xf32>, tensor<32x48xf32> -> tensor<24x32xf32>
  return %y : tensor<24x32xf32>
}
// CHECK-LABEL: func.func @of_both
// CHECK: dl.gather %arg0
func.func @of_both(%e: tensor<5x48xf32>, %i: tensor<24xi32>, %w: tensor<24x48xf32>) -> tensor<24xf32> {
  %x = dl.gather %e at %i along 0 : tensor<5x48xf32>, tensor<24xi32> -> tensor<24x48xf32>
  %y = dl.contract "mk,mk->m" %x, %w : tensor<24x48xf32>, tensor<24x48xf32> -> tensor<24xf32>
  return %y : tensor<24xf32>
}
// CHECK-LABEL: func.func @rounded
// CHECK-NOT: dl.scatter_add
// CHECK: return
func.func @rounded(%e: tensor<5x48xbf16>, %i: tensor<24xi32>, %dy: tensor<24x32xbf16>) -> tensor<32x48xbf16> {
  %x = dl.gather %e at %i along 0 : tensor<5x48xbf16>, tensor<24xi32> -> tensor<24x48xbf16>
  %dw = dl.contract "mn,mk->nk" %dy, %x : tensor<24x32xbf16>, tensor<24x48xbf16> -> tensor<32x48xbf16>
  return %dw : tensor<32x48xbf16>
}
// CHECK-LABEL: func.func @read_too
// CHECK: %[[D:.*]] = dl.contract "mn,nk->mk"
// CHECK: dl.scatter_add %{{.*}} at %arg0 with %[[D]]
func.func @read_too(%i: tensor<24xi32>, %w: tensor<32x48xf32>, %dy: tensor<24x32xf32>) -> (tensor<5x48xf32>, tensor<24x48xf32>) {
  %z = dl.constant dense<0.0> : tensor<5x48xf32>
  %dx = dl.contract "mn,nk->mk" %dy, %w : tensor<24x32xf32>, tensor<32x48xf32> -> tensor<24x48xf32>
  %de = dl.scatter_add %z at %i with %dx along 0 : tensor<5x48xf32>, tensor<24xi32>, tensor<24x48xf32>
  return %de, %dx : tensor<5x48xf32>, tensor<24x48xf32>
}
