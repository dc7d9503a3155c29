// A product keeps its accumulators in registers: one loop over k, fused multiply-adds, the epilogue before the store.
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s
func.func @product(%params: memref<0xi8>, %state: memref<0xi8>, %a: memref<6x32xf32>, %b: memref<32x16xf32>, %c: memref<6x16xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["a", "b"], dl.outputs = ["c"], dl.slots = []} {
  dl.kernel "product" contract ins(%a, %b : memref<6x32xf32>, memref<32x16xf32>) outs(%c : memref<6x16xf32>) {
  ^bb0(%x: tensor<6x32xf32>, %y: tensor<32x16xf32>):
    %z = dl.contract "mk,kn->mn" %x, %y : tensor<6x32xf32>, tensor<32x16xf32> -> tensor<6x16xf32>
    %r = dl.relu %z : tensor<6x16xf32>
    dl.yield %r : tensor<6x16xf32>
  }
  return
}
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector<8xf32>
// CHECK: scf.yield
