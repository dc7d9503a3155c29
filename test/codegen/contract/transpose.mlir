// Two products read their right operands along the summed axis. Both have panels packed by the functions that transpose
// blocks, which the module has once: whole blocks of 8 x 8, and those of which less is left.
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s --check-prefix=ONCE
func.func @products(%params: memref<0xi8>, %state: memref<0xi8>, %a: memref<256x100xf32>, %b: memref<36x100xf32>, %c: memref<24x100xf32>, %r: memref<256x36xf32>, %s: memref<256x24xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["a", "b", "c"], dl.outputs = ["r", "s"], dl.slots = []} {
  dl.kernel "ragged" contract ins(%a, %b : memref<256x100xf32>, memref<36x100xf32>) outs(%r : memref<256x36xf32>) {
  ^bb0(%x: tensor<256x100xf32>, %y: tensor<36x100xf32>):
    %z = dl.contract "mk,nk->mn" %x, %y : tensor<256x100xf32>, tensor<36x100xf32> -> tensor<256x36xf32>
    dl.yield %z : tensor<256x36xf32>
  }
  dl.kernel "even" contract ins(%a, %c : memref<256x100xf32>, memref<24x100xf32>) outs(%s : memref<256x24xf32>) {
  ^bb0(%x: tensor<256x100xf32>, %y: tensor<24x100xf32>):
    %z = dl.contract "mk,nk->mn" %x, %y : tensor<256x100xf32>, tensor<24x100xf32> -> tensor<256x24xf32>
    dl.yield %z : tensor<256x24xf32>
  }
  return
}
// CHECK-LABEL: func.func private @dlc.transpose.f32x8.part(
// CHECK: scf.for
// CHECK: llvm.intr.masked.gather
// CHECK-LABEL: func.func private @dlc.transpose.f32x8(
// CHECK-COUNT-24: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK-LABEL: func.func private @products.ragged(
// CHECK: call @dlc.transpose.f32x8(
// CHECK: call @dlc.transpose.f32x8.part(
// CHECK-LABEL: func.func private @products.even(
// CHECK: call @dlc.transpose.f32x8(

// ONCE-COUNT-1: func.func private @dlc.transpose.f32x8(
// ONCE-NOT: func.func private @dlc.transpose.f32x8(
