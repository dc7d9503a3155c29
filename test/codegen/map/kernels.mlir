// RUN: dlc-opt %s --dl-emit-loops=cpu=x86-64-v3 | FileCheck %s

// Softmax is one kernel: three loops over a row, the costly exponentials kept on the stack between the last two. The row's
// sum becomes a divisor outside the loop.
// CHECK-LABEL: func.func private @step.softmax(
// CHECK: %[[KEPT:.*]] = llvm.alloca {{.*}} x f32
// CHECK: scf.for
// CHECK:   scf.for {{.*}} iter_args
// CHECK:   vector.shuffle
// CHECK:   scf.for {{.*}} iter_args
// CHECK:     math.fma
// CHECK:     llvm.getelementptr inbounds %[[KEPT]]
// CHECK:   %[[SUM:.*]] = vector.broadcast {{.*}} : f32 to vector<8xf32>
// CHECK:   scf.for
// CHECK-NOT: math.fma
// CHECK:     %[[PLACE:.*]] = llvm.getelementptr inbounds %[[KEPT]]
// CHECK:     %[[EXP:.*]] = llvm.load %[[PLACE]]
// CHECK:     arith.divf %[[EXP]], %[[SUM]]
// CHECK-NOT: scf.for
// CHECK: return

// A row of ten stays in registers: one loop, over rows, and a mask for the last two lanes.
// CHECK-LABEL: func.func private @step.short_softmax(
// CHECK-NOT: llvm.alloca
// CHECK: arith.constant dense<[true, true, false, false, false, false, false, false]>
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: llvm.intr.masked.store
// CHECK: return

// Pictures read through a reshape have unit strides: plain vector loads, no gather, no division of indices.
// CHECK-LABEL: func.func private @step.prepare(
// CHECK-NOT: masked
// CHECK-NOT: arith.divui
// CHECK: llvm.load {{.*}} -> vector<8xi8>
// CHECK-NOT: masked
// CHECK: return

// Column sums: lanes along the columns, sums carried through the rows, then the update in registers.
// CHECK-LABEL: func.func private @step.bias_update(
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-NOT: vector.shuffle
// CHECK: llvm.store
// CHECK: return

// A scale that does not change is read and converted once, before the loop.
// CHECK-LABEL: func.func private @step.scaled(
// CHECK: llvm.load {{.*}} -> f64
// CHECK: arith.truncf
// CHECK: vector.broadcast
// CHECK: scf.for
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @step(%params: memref<512xi8>, %state: memref<0xi8>, %x: memref<64x128xf32>, %y: memref<64x128xf32>,
                %s: memref<64x10xf32>, %p: memref<64x10xf32>, %image: memref<64x28x28xui8>, %flat: memref<64x784xf32>,
                %lr: memref<f64>, %arena: memref<0xi8>)
    attributes {dl.slots = [], dl.inputs = ["x", "s", "image", "lr"], dl.outputs = ["y", "p", "flat"]} {
  dl.kernel "softmax" map ins(%x : memref<64x128xf32>) outs(%y : memref<64x128xf32>) {
  ^bb0(%a: tensor<64x128xf32>):
    %m = dl.reduce max %a over [1] : tensor<64x128xf32> -> tensor<64xf32>
    %mb = dl.broadcast %m to [0] : tensor<64xf32> -> tensor<64x128xf32>
    %d = dl.sub %a, %mb : tensor<64x128xf32>
    %e = dl.exp %d : tensor<64x128xf32>
    %z = dl.reduce sum %e over [1] : tensor<64x128xf32> -> tensor<64xf32>
    %zb = dl.broadcast %z to [0] : tensor<64xf32> -> tensor<64x128xf32>
    %q = dl.div %e, %zb : tensor<64x128xf32>
    dl.yield %q : tensor<64x128xf32>
  }
  dl.kernel "short_softmax" map ins(%s : memref<64x10xf32>) outs(%p : memref<64x10xf32>) {
  ^bb0(%a: tensor<64x10xf32>):
    %e = dl.exp %a : tensor<64x10xf32>
    %z = dl.reduce sum %e over [1] : tensor<64x10xf32> -> tensor<64xf32>
    %zb = dl.broadcast %z to [0] : tensor<64xf32> -> tensor<64x10xf32>
    %q = dl.div %e, %zb : tensor<64x10xf32>
    dl.yield %q : tensor<64x10xf32>
  }
  dl.kernel "prepare" map ins(%image : memref<64x28x28xui8>) outs(%flat : memref<64x784xf32>) {
  ^bb0(%a: tensor<64x28x28xui8>):
    %f = dl.cast %a : tensor<64x28x28xui8> -> tensor<64x28x28xf32>
    %r = dl.reshape %f : tensor<64x28x28xf32> -> tensor<64x784xf32>
    dl.yield %r : tensor<64x784xf32>
  }
  %b = dl.buffer %params at 0 : memref<512xi8> -> memref<128xf32>
  dl.kernel "bias_update" map ins(%b, %x : memref<128xf32>, memref<64x128xf32>) outs(%b : memref<128xf32>) {
  ^bb0(%old: tensor<128xf32>, %g: tensor<64x128xf32>):
    %sum = dl.reduce sum %g over [0] : tensor<64x128xf32> -> tensor<128xf32>
    %new = dl.sub %old, %sum : tensor<128xf32>
    dl.yield %new : tensor<128xf32>
  }
  dl.kernel "scaled" map ins(%x, %lr : memref<64x128xf32>, memref<f64>) outs(%y : memref<64x128xf32>) {
  ^bb0(%a: tensor<64x128xf32>, %l: tensor<f64>):
    %f = dl.cast %l : tensor<f64> -> tensor<f32>
    %c = dl.broadcast %f to [] : tensor<f32> -> tensor<64x128xf32>
    %r = dl.mul %a, %c : tensor<64x128xf32>
    dl.yield %r : tensor<64x128xf32>
  }
  return
}
