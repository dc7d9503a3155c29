// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s

// A weight's gradient reads the left operand in steps of whole rows, which are asked for ahead; where the steps follow one
// another they are not.
// CHECK-LABEL: func.func private @gradient.weights
// CHECK: llvm.intr.prefetch
// CHECK: vector.fma
// CHECK-LABEL: func.func private @gradient.data
// CHECK-NOT: llvm.intr.prefetch
// CHECK-LABEL: func.func @gradient
func.func @gradient(%params: memref<0xi8>, %state: memref<0xi8>, %dy: memref<512x256xf32>, %x: memref<512x160xf32>, %w: memref<256x160xf32>,
                    %dw: memref<256x160xf32>, %dx: memref<512x160xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["dy", "x", "w"], dl.outputs = ["dw", "dx"], dl.slots = []} {
  dl.kernel "weights" contract ins(%dy, %x : memref<512x256xf32>, memref<512x160xf32>) outs(%dw : memref<256x160xf32>) {
  ^bb0(%a: tensor<512x256xf32>, %b: tensor<512x160xf32>):
    %p = dl.contract "mn,mk->nk" %a, %b : tensor<512x256xf32>, tensor<512x160xf32> -> tensor<256x160xf32>
    dl.yield %p : tensor<256x160xf32>
  }
  dl.kernel "data" contract ins(%dy, %w : memref<512x256xf32>, memref<256x160xf32>) outs(%dx : memref<512x160xf32>) {
  ^bb0(%a: tensor<512x256xf32>, %b: tensor<256x160xf32>):
    %p = dl.contract "mn,nk->mk" %a, %b : tensor<512x256xf32>, tensor<256x160xf32> -> tensor<512x160xf32>
    dl.yield %p : tensor<512x160xf32>
  }
  return
}
