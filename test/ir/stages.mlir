// What each stage may contain, and the first operation that it may not.
// RUN: split-file %s %t
// RUN: dlc-opt %t/graph.mlir --dl-verify-stage=stage=graph > /dev/null
// RUN: not dlc-opt %t/graph.mlir --dl-verify-stage=stage=gradient 2>&1 | FileCheck %s --check-prefix=GRAD
// RUN: not dlc-opt %t/graph.mlir --dl-verify-stage=stage=fused 2>&1 | FileCheck %s --check-prefix=FUSED
// RUN: dlc-opt %t/fused.mlir --dl-verify-stage=stage=fused > /dev/null
// RUN: not dlc-opt %t/fused.mlir --dl-verify-stage=stage=graph 2>&1 | FileCheck %s --check-prefix=GRAPH
// RUN: not dlc-opt %t/fused.mlir --dl-verify-stage=stage=planned 2>&1 | FileCheck %s --check-prefix=PLANNED
// RUN: dlc-opt %t/planned.mlir --dl-verify-stage=stage=planned > /dev/null
// RUN: not dlc-opt %t/planned.mlir --dl-verify-stage=stage=fused 2>&1 | FileCheck %s --check-prefix=BUFFER
// RUN: not dlc-opt %t/planned.mlir --dl-verify-stage=stage=loops 2>&1 | FileCheck %s --check-prefix=LOOPS
// RUN: dlc-opt %t/loops.mlir --dl-verify-stage=stage=loops > /dev/null
// RUN: not dlc-opt %t/loops.mlir --dl-verify-stage=stage=llvm 2>&1 | FileCheck %s --check-prefix=LLVM
// RUN: not dlc-opt %t/inner.mlir --dl-verify-stage=stage=fused 2>&1 | FileCheck %s --check-prefix=INNER
// RUN: not dlc-opt %t/layout.mlir --dl-verify-stage=stage=fused 2>&1 | FileCheck %s --check-prefix=LAYOUT
// RUN: not dlc-opt %t/large.mlir --dl-verify-stage=stage=graph 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not dlc-opt %t/graph.mlir --dl-verify-stage=stage=early 2>&1 | FileCheck %s --check-prefix=NAME

// GRAD: `dl.grad` does not occur at stage `gradient`
// FUSED: `dl.constant` does not occur at stage `fused`
// GRAPH: `dl.kernel` does not occur at stage `graph`
// PLANNED: `dl.kernel` works on tensors, expected buffers at stage `planned`
// BUFFER: `dl.buffer` does not occur at stage `fused`
// LOOPS: `dl.buffer` does not occur at stage `loops`
// LLVM: `func.func` does not occur at stage `llvm`
// INNER: `dl.stop_gradient` stands in a kernel, expected only what a loop nest computes (stage `fused`)
// LAYOUT: `dl.reshape` has the layout of {{.*}}, expected layouts only at the edges of kernels (stage `fused`)
// LARGE: too large: a tensor of shape `[4294967296, 4294967296]`
// NAME: there is no stage `early`, expected graph, gradient, fused, planned, loops or llvm

//--- graph.mlir
func.func @loss(%x: tensor<f32>) -> tensor<f32> {
  %one = dl.constant dense<1.0> : tensor<f32>
  %0:2 = dl.grad (%x), (%one) aux 0 {
  ^bb0(%u: tensor<f32>):
    %y = dl.mul %u, %u : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %0#1 : tensor<f32>
}

//--- large.mlir
func.func @outer(%x: tensor<4294967296xf32>) -> tensor<4294967296x4294967296xf32> {
  %0 = dl.broadcast %x to [0] : tensor<4294967296xf32> -> tensor<4294967296x4294967296xf32>
  return %0 : tensor<4294967296x4294967296xf32>
}

//--- fused.mlir
func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dl.kernel "relu" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    %v = dl.relu %u : tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- planned.mlir
func.func @relu(%x: memref<4xf32>, %arena: memref<64xi8>) {
  %y = dl.buffer %arena at 0 : memref<64xi8> -> memref<4xf32>
  dl.kernel "relu" map ins(%x : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%u: tensor<4xf32>):
    %v = dl.relu %u : tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  }
  return
}

//--- loops.mlir
func.func @add(%x: f32, %y: f32) -> f32 {
  %0 = arith.addf %x, %y : f32
  return %0 : f32
}

//--- inner.mlir
func.func @k(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dl.kernel "k" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    %v = dl.stop_gradient %u : tensor<4xf32>
    dl.yield %v : tensor<4xf32>
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- layout.mlir
func.func @k(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dl.kernel "k" map ins(%x : tensor<4xf32>) outs() {
  ^bb0(%u: tensor<4xf32>):
    %a = dl.reshape %u : tensor<4xf32> -> tensor<4xf32, #dl.layout<order = [0], row = 4>>
    %b = dl.relu %a : tensor<4xf32, #dl.layout<order = [0], row = 4>>
    %c = dl.reshape %b : tensor<4xf32, #dl.layout<order = [0], row = 4>> -> tensor<4xf32>
    dl.yield %c : tensor<4xf32>
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
