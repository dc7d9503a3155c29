// REQUIRES: avx512
// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v4 | FileCheck %s

// Sixteen lanes along all elements: rows follow one another in memory. The last ones are masked.
// CHECK-LABEL: func.func private @step.exp(
// CHECK: llvm.load {{.*}} -> vector<16xf32>
// CHECK: llvm.intr.masked.load
// CHECK-SAME: vector<16xf32>
// CHECK: return

// A concatenation along the lanes selects; along the rows it branches.
// CHECK-LABEL: func.func private @step.beside(
// CHECK-NOT: scf.if
// CHECK: llvm.intr.masked.load
// CHECK: arith.select
// CHECK: return
// CHECK-LABEL: func.func private @step.below(
// CHECK: scf.if
// CHECK: return
func.func @step(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<41x70xf32>, %y: memref<41x70xf32>,
                %z: memref<41x140xf32>, %w: memref<82x70xf32>, %arena: memref<0xi8>)
    attributes {dl.slots = [], dl.inputs = ["x"], dl.outputs = ["y", "z", "w"]} {
  dl.kernel "exp" map ins(%x : memref<41x70xf32>) outs(%y : memref<41x70xf32>) {
  ^bb0(%a: tensor<41x70xf32>):
    %e = dl.exp %a : tensor<41x70xf32>
    dl.yield %e : tensor<41x70xf32>
  }
  dl.kernel "beside" map ins(%x : memref<41x70xf32>) outs(%z : memref<41x140xf32>) {
  ^bb0(%a: tensor<41x70xf32>):
    %n = dl.neg %a : tensor<41x70xf32>
    %c = dl.concat %a, %n along 1 : tensor<41x70xf32>, tensor<41x70xf32> -> tensor<41x140xf32>
    dl.yield %c : tensor<41x140xf32>
  }
  dl.kernel "below" map ins(%x : memref<41x70xf32>) outs(%w : memref<82x70xf32>) {
  ^bb0(%a: tensor<41x70xf32>):
    %n = dl.neg %a : tensor<41x70xf32>
    %c = dl.concat %a, %n along 0 : tensor<41x70xf32>, tensor<41x70xf32> -> tensor<82x70xf32>
    dl.yield %c : tensor<82x70xf32>
  }
  return
}
