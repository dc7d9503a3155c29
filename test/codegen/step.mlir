// A planned function becomes its step, a table of kernels and a call that runs it; equal kernels are one function.
// RUN: dlc-opt %s --dl-emit-loops -split-input-file | FileCheck %s
func.func @twice(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["x"], dl.outputs = ["y", "z"], dl.slots = []} {
  dl.kernel "first" map ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: tensor<8xf32>):
    %b = dl.add %a, %a : tensor<8xf32>
    dl.yield %b : tensor<8xf32>
  }
  dl.kernel "second" map ins(%y : memref<8xf32>) outs(%z : memref<8xf32>) {
  ^bb0(%a: tensor<8xf32>):
    %b = dl.add %a, %a : tensor<8xf32>
    dl.yield %b : tensor<8xf32>
  }
  return
}
// Both kernels are equal up to their buffers: one function, two records of it.
// CHECK-COUNT-1: func.func private @twice.first
// CHECK-NOT: @twice.second
// CHECK: llvm.mlir.global internal constant @twice.kernels() {{.*}} : !llvm.array<1 x ptr>
// CHECK: func.func @twice(
// CHECK-COUNT-1: call @dlc.run
// CHECK-NOT: call @dlc.run
// CHECK: llvm.mlir.global internal constant @twice.table(dense<[0, 262146, 1, 562949953421312, 844424930131968, 0, 262146, 1, 844424930131968, 1125899906842624]>

// -----

// A buffer (dl.buffer) is a place in its block: 64 bytes behind base 0.
// CHECK-LABEL: func.func @views(
// CHECK: @views.table(dense<[0, 262146, 1, 64, 562949953421312]>
func.func @views(%params: memref<128xi8>, %state: memref<0xi8>, %y: memref<8xf32>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = [], dl.outputs = ["y"], dl.slots = []} {
  %w = dl.buffer %params at 64 : memref<128xi8> -> memref<8xf32>
  dl.kernel "double" map ins(%w : memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: tensor<8xf32>):
    %b = dl.add %a, %a : tensor<8xf32>
    dl.yield %b : tensor<8xf32>
  }
  return
}

// -----

// A kernel that has no element to write is not called.
// CHECK-LABEL: func.func private @nothing.none(
// CHECK-NOT: scf.for
// CHECK: return
// CHECK: func.func @nothing(
// CHECK-NOT: call @
// CHECK: return
// CHECK-NOT: ^bb
func.func @nothing(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<2x0xf32, strided<[1, 1]>>, %y: memref<0x2xf32, strided<[1, 1]>>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["x"], dl.outputs = ["y"], dl.slots = []} {
  dl.kernel "none" map ins(%x : memref<2x0xf32, strided<[1, 1]>>) outs(%y : memref<0x2xf32, strided<[1, 1]>>) {
  ^bb0(%a: tensor<2x0xf32>):
    %b = dl.transpose %a by [1, 0] : tensor<2x0xf32> -> tensor<0x2xf32>
    dl.yield %b : tensor<0x2xf32>
  }
  return
}
