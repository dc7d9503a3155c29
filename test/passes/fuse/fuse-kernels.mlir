// RUN: dlc-opt %s --dl-fuse-kernels | FileCheck %s
// RUN: dlc-opt %s --dl-fuse-kernels=merge=false | FileCheck %s --check-prefix=SINGLE

// Bias and relu are the product's epilogue.
// CHECK-LABEL: func.func @epilogue
// CHECK: dl.kernel "fc" contract
// CHECK: dl.contract
// CHECK: dl.broadcast %{{.*}} to [1]
// CHECK: dl.add
// CHECK: dl.relu
// CHECK-NOT: dl.kernel
// SINGLE-LABEL: func.func @epilogue
// SINGLE-COUNT-3: dl.kernel
func.func @epilogue(%x: tensor<64x784xf32> {dl.role = "input", dl.name = "x"},
                    %w: tensor<128x784xf32> {dl.role = "param", dl.name = "fc.weight"},
                    %b: tensor<128xf32> {dl.role = "param", dl.name = "fc.bias"}) -> (tensor<64x128xf32> {dl.name = "y"}) {
  %y = dl.contract "nk,mk->nm" %x, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  %bb = dl.broadcast %b to [1] : tensor<128xf32> -> tensor<64x128xf32>
  %a = dl.add %y, %bb : tensor<64x128xf32>
  %r = dl.relu %a : tensor<64x128xf32>
  return %r : tensor<64x128xf32>
}

// Two reductions and what is between and behind them share the rows: one kernel.
// CHECK-LABEL: func.func @softmax
// CHECK: dl.kernel "softmax" map ins(%arg0 : tensor<64x10xf32>)
// CHECK-NOT: dl.kernel
func.func @softmax(%x: tensor<64x10xf32>) -> tensor<64x10xf32> {
  %m = dl.reduce max %x over [1] : tensor<64x10xf32> -> tensor<64xf32>
  %mb = dl.broadcast %m to [0] : tensor<64xf32> -> tensor<64x10xf32>
  %d = dl.sub %x, %mb : tensor<64x10xf32>
  %e = dl.exp %d : tensor<64x10xf32>
  %s = dl.reduce sum %e over [1] : tensor<64x10xf32> -> tensor<64xf32>
  %sb = dl.broadcast %s to [0] : tensor<64xf32> -> tensor<64x10xf32>
  %p = dl.div %e, %sb : tensor<64x10xf32>
  return %p : tensor<64x10xf32>
}

// Sums over rows and over columns are two loop nests.
// CHECK-LABEL: func.func @two_reductions
// CHECK: dl.kernel
// CHECK: over [0]
// CHECK: dl.kernel
// CHECK: over [1]
func.func @two_reductions(%x: tensor<64x10xf32>) -> (tensor<10xf32>, tensor<64xf32>) {
  %a = dl.reduce sum %x over [0] : tensor<64x10xf32> -> tensor<10xf32>
  %b = dl.reduce sum %x over [1] : tensor<64x10xf32> -> tensor<64xf32>
  return %a, %b : tensor<10xf32>, tensor<64xf32>
}

// A value of the columns is no value of the rows: the exponential is computed first, once a column.
// CHECK-LABEL: func.func @broadcast_along_rows
// CHECK: dl.kernel
// CHECK: dl.exp %{{.*}} : tensor<64xf32>
// CHECK: dl.kernel
// CHECK: dl.broadcast %{{.*}} to [1]
func.func @broadcast_along_rows(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %a = dl.reduce sum %x over [1] : tensor<64x64xf32> -> tensor<64xf32>
  %e = dl.exp %a : tensor<64xf32>
  %b = dl.broadcast %e to [1] : tensor<64xf32> -> tensor<64x64xf32>
  %c = dl.sub %x, %b : tensor<64x64xf32>
  return %c : tensor<64x64xf32>
}

// What is computed before and after a product that depends on it cannot be one kernel around it.
// CHECK-LABEL: func.func @no_cycle
// CHECK: dl.kernel "exp" map
// CHECK: dl.kernel "product" contract
// CHECK: dl.contract
// CHECK: dl.add
func.func @no_cycle(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = dl.exp %x : tensor<8x8xf32>
  %y = dl.contract "nk,km->nm" %e, %w : tensor<8x8xf32>, tensor<8x8xf32> -> tensor<8x8xf32>
  %z = dl.add %y, %e : tensor<8x8xf32>
  return %z : tensor<8x8xf32>
}

// A mask is cheaper to compute again than to keep.
// CHECK-LABEL: func.func @mask
// CHECK: dl.kernel "product" contract
// CHECK-NOT: dl.compare
// CHECK: dl.kernel "product_2" contract ins(%0, %arg2 :
// CHECK: dl.compare gt
// CHECK: dl.select
func.func @mask(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>, %v: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %zero = dl.constant dense<0.0> : tensor<8x8xf32>
  %y = dl.contract "nk,km->nm" %x, %w : tensor<8x8xf32>, tensor<8x8xf32> -> tensor<8x8xf32>
  %h = dl.relu %y : tensor<8x8xf32>
  %m = dl.compare gt %h, %zero : tensor<8x8xf32> -> tensor<8x8xi1>
  %z = dl.contract "nk,km->nm" %h, %v : tensor<8x8xf32>, tensor<8x8xf32> -> tensor<8x8xf32>
  %s = dl.select %m, %z, %zero : tensor<8x8xf32>
  return %h, %s : tensor<8x8xf32>, tensor<8x8xf32>
}

// Rank-0 arithmetic on arguments is one kernel; its results are operands of the others.
// CHECK-LABEL: func.func @hyperparameters
// CHECK: dl.kernel "scalars" map ins(%arg2 : tensor<i64>)
// CHECK: dl.pow
// CHECK: -> tensor<f32>
// CHECK: dl.kernel "w_update" map
// CHECK-NOT: dl.kernel
func.func @hyperparameters(%w: tensor<128xf32> {dl.role = "param", dl.name = "w"}, %g: tensor<128xf32>,
                           %step: tensor<i64> {dl.role = "input", dl.name = "step"}) -> (tensor<128xf32> {dl.updates = 0 : i64}) {
  %beta = dl.constant dense<0.9> : tensor<f64>
  %t = dl.cast %step : tensor<i64> -> tensor<f64>
  %p = dl.pow %beta, %t : tensor<f64>
  %f = dl.cast %p : tensor<f64> -> tensor<f32>
  %b = dl.broadcast %f to [] : tensor<f32> -> tensor<128xf32>
  %s = dl.mul %g, %b : tensor<128xf32>
  %n = dl.sub %w, %s : tensor<128xf32>
  return %n : tensor<128xf32>
}

// A check stands alone on its operand.
// CHECK-LABEL: func.func @check
// CHECK: dl.kernel "check_label" check ins(%arg0 : tensor<6xi64>)
// CHECK-NEXT: ^bb0
// CHECK-NEXT: dl.check_index
// CHECK-NEXT: dl.yield
// CHECK: dl.kernel "gather" map ins(%arg1, %arg0
func.func @check(%i: tensor<6xi64>, %table: tensor<9x4xf32>) -> tensor<6x4xf32> {
  %c = dl.check_index %i below 9 what "label" : tensor<6xi64>
  %r = dl.gather %table at %c along 0 : tensor<9x4xf32>, tensor<6xi64> -> tensor<6x4xf32>
  return %r : tensor<6x4xf32>
}

// Results that no operation computes are copied; an argument's own value need not be. What is returned twice is yielded
// twice.
// CHECK-LABEL: func.func @results
// CHECK-DAG: %[[C:.*]] = dl.kernel "constant"
// CHECK-DAG: %[[EXP:.*]]:2 = dl.kernel "exp"
// CHECK-DAG: %[[OLD:.*]] = dl.kernel "copy" map ins(%arg0
// CHECK: return %arg0, %[[EXP]]#0, %[[EXP]]#1, %[[OLD]], %[[C]]
func.func @results(%w: tensor<4xf32> {dl.role = "param", dl.name = "w"})
    -> (tensor<4xf32> {dl.updates = 0 : i64}, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>) {
  %c = dl.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = dl.exp %w : tensor<4xf32>
  return %w, %e, %e, %w, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>
}

// Four rotations, each of which reads the one before at two places: a kernel that read through all would load its operand
// 16 times. The third is kept in memory.
// CHECK-LABEL: func.func @rotations
// CHECK: %[[THIRD:.*]] = dl.kernel "concat{{.*}}" map ins(%arg0
// CHECK-COUNT-3: dl.concat
// CHECK: dl.kernel "exp{{.*}}" map ins(%[[THIRD]]
// CHECK-COUNT-1: dl.concat
// CHECK-NOT: dl.concat
func.func @rotations(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a1 = dl.slice %x from [1] step [1] : tensor<8xf32> -> tensor<7xf32>
  %b1 = dl.slice %x from [0] step [1] : tensor<8xf32> -> tensor<1xf32>
  %r1 = dl.concat %a1, %b1 along 0 : tensor<7xf32>, tensor<1xf32> -> tensor<8xf32>
  %a2 = dl.slice %r1 from [1] step [1] : tensor<8xf32> -> tensor<7xf32>
  %b2 = dl.slice %r1 from [0] step [1] : tensor<8xf32> -> tensor<1xf32>
  %r2 = dl.concat %a2, %b2 along 0 : tensor<7xf32>, tensor<1xf32> -> tensor<8xf32>
  %a3 = dl.slice %r2 from [1] step [1] : tensor<8xf32> -> tensor<7xf32>
  %b3 = dl.slice %r2 from [0] step [1] : tensor<8xf32> -> tensor<1xf32>
  %r3 = dl.concat %a3, %b3 along 0 : tensor<7xf32>, tensor<1xf32> -> tensor<8xf32>
  %a4 = dl.slice %r3 from [1] step [1] : tensor<8xf32> -> tensor<7xf32>
  %b4 = dl.slice %r3 from [0] step [1] : tensor<8xf32> -> tensor<1xf32>
  %r4 = dl.concat %a4, %b4 along 0 : tensor<7xf32>, tensor<1xf32> -> tensor<8xf32>
  %y = dl.exp %r4 : tensor<8xf32>
  return %y : tensor<8xf32>
}

// One rotation is read through by both of its readers, which cannot be one kernel.
// CHECK-LABEL: func.func @rotation
// CHECK-NOT: dl.kernel "concat
// CHECK-COUNT-2: dl.concat
func.func @rotation(%x: tensor<8x8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = dl.slice %x from [1, 0] step [1, 1] : tensor<8x8xf32> -> tensor<7x8xf32>
  %b = dl.slice %x from [0, 0] step [1, 1] : tensor<8x8xf32> -> tensor<1x8xf32>
  %r = dl.concat %a, %b along 0 : tensor<7x8xf32>, tensor<1x8xf32> -> tensor<8x8xf32>
  %s = dl.reduce sum %r over [0] : tensor<8x8xf32> -> tensor<8xf32>
  %t = dl.reduce sum %r over [1] : tensor<8x8xf32> -> tensor<8xf32>
  return %s, %t : tensor<8xf32>, tensor<8xf32>
}

// Nothing to compute, and tensors without elements.
// CHECK-LABEL: func.func @empty
// CHECK-NEXT: return
func.func @empty() {
  return
}
// CHECK-LABEL: func.func @no_elements
// CHECK: dl.kernel "exp_neg" map ins(%arg0 : tensor<0x4xf32>)
func.func @no_elements(%x: tensor<0x4xf32>) -> tensor<0x4xf32> {
  %y = dl.exp %x : tensor<0x4xf32>
  %z = dl.neg %y : tensor<0x4xf32>
  return %z : tensor<0x4xf32>
}

// What lies on a path between two clusters counts wherever in the block it stands: `exp` feeds the product, which feeds the
// last operation, which may join `mul` and `sub`; the first product of `x` then reads that kernel and cannot join `exp`.
// CHECK-LABEL: func.func @far_apart
// CHECK: dl.kernel "prepare" map ins(%arg0
// CHECK: dl.kernel "product" contract ins(%0, %arg3
// CHECK: dl.kernel "mul_sub" map ins(%arg1, %arg2, %1
// CHECK: dl.kernel "mul" map ins(%arg0, %2#0
func.func @far_apart(%x: tensor<64x64xf32> {dl.role = "input", dl.name = "x"}, %y: tensor<64x64xf32> {dl.role = "input", dl.name = "y"},
                     %z: tensor<64x64xf32> {dl.role = "input", dl.name = "z"}, %w: tensor<64x64xf32> {dl.role = "input", dl.name = "w"})
    -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>) {
  %a = dl.exp %x : tensor<64x64xf32>
  %d = dl.mul %y, %z : tensor<64x64xf32>
  %s = dl.transpose %d by [1, 0] : tensor<64x64xf32> -> tensor<64x64xf32>
  %b = dl.mul %x, %s : tensor<64x64xf32>
  %c = dl.contract "ij,jk->ik" %a, %w : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  %t = dl.transpose %c by [1, 0] : tensor<64x64xf32> -> tensor<64x64xf32>
  %e = dl.sub %y, %z : tensor<64x64xf32>
  %f = dl.mul %e, %t : tensor<64x64xf32>
  return %b, %c, %f : tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>
}
