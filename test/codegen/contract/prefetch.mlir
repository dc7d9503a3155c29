// What an epilogue reads beside a large result is asked for while the sum is taken: a line for each 16 elements of a tile,
// none for a bias. What is small is in the cache.
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v4 | FileCheck %s
func.func @products(%params: memref<0xi8>, %state: memref<0xi8>, %a: memref<512x128xf32>, %b: memref<128x256xf32>, %r: memref<512x256xf32>, %bias: memref<256xf32>, %s: memref<16x8xf32>, %e: memref<8x256xf32>, %t: memref<16x256xf32>, %c: memref<512x256xf32>, %d: memref<16x256xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["a", "b", "r", "bias", "s", "e", "t"], dl.outputs = ["c", "d"], dl.slots = []} {
  dl.kernel "large" contract ins(%a, %b, %bias, %r : memref<512x128xf32>, memref<128x256xf32>, memref<256xf32>, memref<512x256xf32>) outs(%c : memref<512x256xf32>) {
  ^bb0(%x: tensor<512x128xf32>, %y: tensor<128x256xf32>, %u: tensor<256xf32>, %v: tensor<512x256xf32>):
    %z = dl.contract "mk,kn->mn" %x, %y : tensor<512x128xf32>, tensor<128x256xf32> -> tensor<512x256xf32>
    %w = dl.broadcast %u to [1] : tensor<256xf32> -> tensor<512x256xf32>
    %p = dl.add %z, %w : tensor<512x256xf32>
    %q = dl.mul %p, %v : tensor<512x256xf32>
    dl.yield %q : tensor<512x256xf32>
  }
  dl.kernel "small" contract ins(%s, %e, %t : memref<16x8xf32>, memref<8x256xf32>, memref<16x256xf32>) outs(%d : memref<16x256xf32>) {
  ^bb0(%x: tensor<16x8xf32>, %y: tensor<8x256xf32>, %v: tensor<16x256xf32>):
    %z = dl.contract "mk,kn->mn" %x, %y : tensor<16x8xf32>, tensor<8x256xf32> -> tensor<16x256xf32>
    %q = dl.mul %z, %v : tensor<16x256xf32>
    dl.yield %q : tensor<16x256xf32>
  }
  return
}
// CHECK-LABEL: func.func {{.*}}large(
// CHECK: "llvm.intr.prefetch"
// CHECK: vector.fma
// CHECK-LABEL: func.func {{.*}}small(
// CHECK-NOT: prefetch
// CHECK: vector.fma
