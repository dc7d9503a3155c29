// A planned function becomes its step, which calls one function for each distinct kernel over all of its tasks.
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
// Both kernels are equal up to their buffers: one function.
// CHECK-COUNT-1: func.func private @twice.first
// CHECK-NOT: @twice.second
// CHECK: func.func @twice(
// CHECK: call @twice.first
// CHECK: call @twice.first

// -----

// A buffer (dl.buffer) is an address in its block.
// CHECK-LABEL: func.func @views(
// CHECK: llvm.getelementptr inbounds {{.*}}c64
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
// CHECK: func.func @nothing(
// CHECK-NOT: call @nothing
func.func @nothing(%params: memref<0xi8>, %state: memref<0xi8>, %x: memref<2x0xf32, strided<[1, 1]>>, %y: memref<0x2xf32, strided<[1, 1]>>, %arena: memref<0xi8>)
    attributes {dl.checks = [], dl.inputs = ["x"], dl.outputs = ["y"], dl.slots = []} {
  dl.kernel "none" map ins(%x : memref<2x0xf32, strided<[1, 1]>>) outs(%y : memref<0x2xf32, strided<[1, 1]>>) {
  ^bb0(%a: tensor<2x0xf32>):
    %b = dl.transpose %a by [1, 0] : tensor<2x0xf32> -> tensor<0x2xf32>
    dl.yield %b : tensor<0x2xf32>
  }
  return
}
