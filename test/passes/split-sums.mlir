// RUN: dlc-opt %s --dl-split-sums | FileCheck %s

// A sum over everything: 64 parts, each a chunk of the outermost axis, then their sum and what was done with it. What has the
// shape of the whole space stays with the parts.
// CHECK-LABEL: func.func @mean
// CHECK: %[[PARTS:.*]]:2 = dl.kernel "mean_parts" map ins(%arg0 : tensor<100000x50xf32>)
// CHECK:   dl.reduce_parts sum %{{.*}} over [0, 1] in chunks 1600 of 0 : tensor<100000x50xf32> -> tensor<63xf32>
// CHECK:   dl.yield {{.*}} : tensor<63xf32>, tensor<100000x50xf32>
// CHECK: %[[MEAN:.*]] = dl.kernel "mean" map ins(%[[PARTS]]#0 : tensor<63xf32>)
// CHECK:   dl.reduce sum %{{.*}} over [0] : tensor<63xf32> -> tensor<f32>
// CHECK:   dl.mul
// CHECK: return %[[MEAN]], %[[PARTS]]#1
func.func @mean(%x: tensor<100000x50xf32>) -> (tensor<f32>, tensor<100000x50xf32>) {
  %0:2 = dl.kernel "mean" map ins(%x : tensor<100000x50xf32>) outs() {
  ^bb0(%a: tensor<100000x50xf32>):
    %e = dl.exp %a : tensor<100000x50xf32>
    %s = dl.reduce sum %e over [0, 1] : tensor<100000x50xf32> -> tensor<f32>
    %f = dl.constant dense<2.0e-7> : tensor<f32>
    %m = dl.mul %s, %f : tensor<f32>
    dl.yield %m, %e : tensor<f32>, tensor<100000x50xf32>
  } -> tensor<f32>, tensor<100000x50xf32>
  return %0#0, %0#1 : tensor<f32>, tensor<100000x50xf32>
}

// The axis that is long is cut, though it is not the outermost. Parts of bf16 are f32, and rounded once, at the end.
// CHECK-LABEL: func.func @greatest
// CHECK: dl.reduce_parts sum %{{.*}} over [0, 1] in chunks 11392 of 1 : tensor<3x170000xbf16> -> tensor<15xf32>
// CHECK: dl.kernel "total"
// CHECK: dl.reduce sum %{{.*}} over [0] : tensor<15xf32> -> tensor<f32>
// CHECK: dl.cast {{.*}} : tensor<f32> -> tensor<bf16>
func.func @greatest(%x: tensor<3x170000xbf16>) -> tensor<bf16> {
  %0 = dl.kernel "total" map ins(%x : tensor<3x170000xbf16>) outs() {
  ^bb0(%a: tensor<3x170000xbf16>):
    %s = dl.reduce sum %a over [0, 1] : tensor<3x170000xbf16> -> tensor<bf16>
    dl.yield %s : tensor<bf16>
  } -> tensor<bf16>
  return %0 : tensor<bf16>
}

// A product of few elements over a long sum: parts of equal size are a batch axis.
// CHECK-LABEL: func.func @product
// CHECK: %[[PARTS:.*]] = dl.kernel "w_parts" contract
// CHECK:   %[[A:.*]] = dl.reshape %{{.*}} : tensor<36864x6xf32> -> tensor<9x4096x6xf32>
// CHECK:   %[[B:.*]] = dl.reshape %{{.*}} : tensor<36864x25xf32> -> tensor<9x4096x25xf32>
// CHECK:   dl.contract "Ami,Amj->Aij" %[[A]], %[[B]]
// CHECK: dl.kernel "w" map ins(%[[PARTS]], %arg2 :
// CHECK:   dl.reduce sum %{{.*}} over [0] : tensor<9x6x25xf32> -> tensor<6x25xf32>
// CHECK:   dl.sub
func.func @product(%x: tensor<36864x6xf32>, %y: tensor<36864x25xf32>, %w: tensor<6x25xf32>) -> tensor<6x25xf32> {
  %0 = dl.kernel "w" contract ins(%x, %y, %w : tensor<36864x6xf32>, tensor<36864x25xf32>, tensor<6x25xf32>) outs() {
  ^bb0(%a: tensor<36864x6xf32>, %b: tensor<36864x25xf32>, %c: tensor<6x25xf32>):
    %g = dl.contract "mi,mj->ij" %a, %b : tensor<36864x6xf32>, tensor<36864x25xf32> -> tensor<6x25xf32>
    %n = dl.sub %c, %g : tensor<6x25xf32>
    dl.yield %n : tensor<6x25xf32>
  } -> tensor<6x25xf32>
  return %0 : tensor<6x25xf32>
}

// No such divisor: what is left over is a product of its own.
// CHECK-LABEL: func.func @ragged
// CHECK: dl.kernel "w_parts" contract
// CHECK:   dl.slice {{.*}} from [0, 0] step [1, 1] : tensor<36871x6xf32> -> tensor<36870x6xf32>
// CHECK:   dl.contract "Ami,Amj->Aij"
// CHECK: dl.kernel "w_rest" contract
// CHECK:   dl.slice {{.*}} from [36870, 0] step [1, 1] : tensor<36871x6xf32> -> tensor<1x6xf32>
// CHECK: dl.kernel "w" map
// CHECK:   dl.reduce sum
// CHECK:   dl.add
func.func @ragged(%x: tensor<36871x6xf32>, %y: tensor<36871x25xf32>) -> tensor<6x25xf32> {
  %0 = dl.kernel "w" contract ins(%x, %y : tensor<36871x6xf32>, tensor<36871x25xf32>) outs() {
  ^bb0(%a: tensor<36871x6xf32>, %b: tensor<36871x25xf32>):
    %g = dl.contract "mi,mj->ij" %a, %b : tensor<36871x6xf32>, tensor<36871x25xf32> -> tensor<6x25xf32>
    dl.yield %g : tensor<6x25xf32>
  } -> tensor<6x25xf32>
  return %0 : tensor<6x25xf32>
}

// Many updates of few slices: each part has slices of its own in a wider table.
// CHECK-LABEL: func.func @embedding
// CHECK: %[[PLACES:.*]] = dl.kernel "g_places" map ins(%arg1 : tensor<1000xi32>)
// CHECK:   dl.constant dense<5> : tensor<1000xi64>
// CHECK: %[[ZEROS:.*]] = dl.kernel "g_zeros" map ins() outs()
// CHECK: %[[PARTS:.*]] = dl.kernel "g_parts" scatter ins(%[[ZEROS]], %[[PLACES]], %arg2 :
// CHECK:   tensor<80x8xf32>, tensor<1000xi64>, tensor<1000x8xf32>
// CHECK: dl.kernel "g" map ins(%[[PARTS]], %arg0 :
// CHECK:   dl.reshape %{{.*}} : tensor<80x8xf32> -> tensor<16x5x8xf32>
// CHECK:   dl.reduce sum %{{.*}} over [0]
// CHECK:   dl.add
func.func @embedding(%t: tensor<5x8xf32>, %i: tensor<1000xi32>, %u: tensor<1000x8xf32>) -> tensor<5x8xf32> {
  %0 = dl.kernel "g" scatter ins(%t, %i, %u : tensor<5x8xf32>, tensor<1000xi32>, tensor<1000x8xf32>) outs() {
  ^bb0(%a: tensor<5x8xf32>, %b: tensor<1000xi32>, %c: tensor<1000x8xf32>):
    %s = dl.scatter_add %a at %b with %c along 0 : tensor<5x8xf32>, tensor<1000xi32>, tensor<1000x8xf32>
    dl.yield %s : tensor<5x8xf32>
  } -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// Rows enough for tasks, a short sum, two phases, the place of an extremum: nothing is cut.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: reduce_parts
// CHECK: return
func.func @kept(%x: tensor<64x100000xf32>, %y: tensor<1000xf32>) -> (tensor<64xf32>, tensor<f32>, tensor<64xf32>, tensor<64xi64>) {
  %0 = dl.kernel "rows" map ins(%x : tensor<64x100000xf32>) outs() {
  ^bb0(%a: tensor<64x100000xf32>):
    %s = dl.reduce sum %a over [1] : tensor<64x100000xf32> -> tensor<64xf32>
    dl.yield %s : tensor<64xf32>
  } -> tensor<64xf32>
  %1 = dl.kernel "short" map ins(%y : tensor<1000xf32>) outs() {
  ^bb0(%a: tensor<1000xf32>):
    %s = dl.reduce sum %a over [0] : tensor<1000xf32> -> tensor<f32>
    dl.yield %s : tensor<f32>
  } -> tensor<f32>
  %2 = dl.kernel "phases" map ins(%x : tensor<64x100000xf32>) outs() {
  ^bb0(%a: tensor<64x100000xf32>):
    %m = dl.reduce max %a over [1] : tensor<64x100000xf32> -> tensor<64xf32>
    %b = dl.broadcast %m to [0] : tensor<64xf32> -> tensor<64x100000xf32>
    %d = dl.sub %a, %b : tensor<64x100000xf32>
    %s = dl.reduce sum %d over [1] : tensor<64x100000xf32> -> tensor<64xf32>
    dl.yield %s : tensor<64xf32>
  } -> tensor<64xf32>
  %3 = dl.kernel "places" map ins(%x : tensor<64x100000xf32>) outs() {
  ^bb0(%a: tensor<64x100000xf32>):
    %i = dl.arg_reduce max %a along 1 : tensor<64x100000xf32> -> tensor<64xi64>
    dl.yield %i : tensor<64xi64>
  } -> tensor<64xi64>
  return %0, %1, %2, %3 : tensor<64xf32>, tensor<f32>, tensor<64xf32>, tensor<64xi64>
}

// Sums around channels: the channels may be innermost in memory, where they are no tasks. The axis that gives most parts is
// cut, so that a chunk with what is behind it is a whole number of vectors.
// CHECK-LABEL: func.func @channels
// CHECK: dl.reduce_parts sum %{{.*}} over [0, 2, 3] in chunks 2 of 2 : tensor<64x32x32x32xf32> -> tensor<16x32xf32>
func.func @channels(%x: tensor<64x32x32x32xf32>) -> tensor<32xf32> {
  %0 = dl.kernel "bias" map ins(%x : tensor<64x32x32x32xf32>) outs() {
  ^bb0(%a: tensor<64x32x32x32xf32>):
    %s = dl.reduce sum %a over [0, 2, 3] : tensor<64x32x32x32xf32> -> tensor<32xf32>
    dl.yield %s : tensor<32xf32>
  } -> tensor<32xf32>
  return %0 : tensor<32xf32>
}

// A gradient of weights that runs its vectors along the batch: rows of the picture are cut, not the batch.
// CHECK-LABEL: func.func @weights
// CHECK: dl.contract "ncApqxy,nfApq->Afcxy"
func.func @weights(%x: tensor<128x6x28x28xf32>, %y: tensor<128x8x24x24xf32>) -> tensor<8x6x5x5xf32> {
  %0 = dl.kernel "w" contract ins(%x, %y : tensor<128x6x28x28xf32>, tensor<128x8x24x24xf32>) outs() {
  ^bb0(%a: tensor<128x6x28x28xf32>, %b: tensor<128x8x24x24xf32>):
    %v = dl.window %a along [2, 3] step [1, 1] spread [1, 1] : tensor<128x6x28x28xf32> -> tensor<128x6x24x24x5x5xf32>
    %s = dl.contract "ncpqxy,nfpq->fcxy" %v, %b : tensor<128x6x24x24x5x5xf32>, tensor<128x8x24x24xf32> -> tensor<8x6x5x5xf32>
    dl.yield %s : tensor<8x6x5x5xf32>
  } -> tensor<8x6x5x5xf32>
  return %0 : tensor<8x6x5x5xf32>
}
