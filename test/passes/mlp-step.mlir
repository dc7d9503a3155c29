// RUN: dlc-opt %s --dl-to-fused | FileCheck %s
// RUN: dlc-opt %s --dl-to-planned | FileCheck %s --check-prefix=PLAN
// RUN: dlc-opt %s --dl-to-fused=disable=fuse | FileCheck %s --check-prefix=APART
// A training step of a two-layer perceptron: cross-entropy, accuracy, Adam. What the whole pipeline makes of it.

// CHECK-LABEL: func.func @step
// CHECK-SAME: tensor<128x784xf32, #dl.layout<order = [1, 0], row = 128>> {dl.name = "fc1.weight"
// Conversion and scale of the pictures, once for the product and its weight gradient.
// CHECK: dl.kernel "prepare" map
// CHECK: dl.cast
// CHECK: dl.div
// CHECK: dl.kernel "fc1" contract
// CHECK: dl.relu
// CHECK: dl.kernel "fc2" contract
// Rows of the loss, hits, and the gradient of the scores.
// CHECK: dl.kernel "softmax_cross_entropy" map
// CHECK-NOT: dl.kernel
// CHECK: -> tensor<64xf32>, tensor<64xi1>, tensor<64x10xf32>
// CHECK-DAG: dl.kernel "check_label" check
// CHECK-DAG: dl.kernel "mean" map
// CHECK-DAG: dl.kernel "fc2_back" contract ins({{.*}} : tensor<64x10xf32>, tensor<10x128xf32>, tensor<64x128xf32>)
// CHECK-DAG: dl.kernel "scalars" map
// CHECK-DAG: dl.kernel "fc1_update" contract
// CHECK-DAG: dl.kernel "fc1_bias_update" map
// CHECK-DAG: dl.kernel "fc2_update" contract
// CHECK-DAG: dl.kernel "fc2_bias_update" map
// CHECK-NOT: dl.kernel
// CHECK: return

// The label is checked before anything is written in place; the old weights are read before they are replaced.
// PLAN-LABEL: func.func @step
// PLAN-NOT: dl.kernel
// PLAN: dl.kernel "check_label"
// PLAN: dl.kernel "fc2_back"
// PLAN: dl.kernel "fc2_update"
// PLAN-NOT: replace_

// Without fusion each operation is a kernel.
// APART-COUNT-60: dl.kernel

func.func @step(
    %p0: tensor<128x784xf32> {dl.role = "param", dl.name = "fc1.weight"},
    %p1: tensor<128xf32> {dl.role = "param", dl.name = "fc1.bias"},
    %p2: tensor<10x128xf32> {dl.role = "param", dl.name = "fc2.weight"},
    %p3: tensor<10xf32> {dl.role = "param", dl.name = "fc2.bias"},
    %m0: tensor<128x784xf32> {dl.role = "state", dl.name = "m.fc1.weight"},
    %m1: tensor<128xf32> {dl.role = "state", dl.name = "m.fc1.bias"},
    %m2: tensor<10x128xf32> {dl.role = "state", dl.name = "m.fc2.weight"},
    %m3: tensor<10xf32> {dl.role = "state", dl.name = "m.fc2.bias"},
    %v0: tensor<128x784xf32> {dl.role = "state", dl.name = "v.fc1.weight"},
    %v1: tensor<128xf32> {dl.role = "state", dl.name = "v.fc1.bias"},
    %v2: tensor<10x128xf32> {dl.role = "state", dl.name = "v.fc2.weight"},
    %v3: tensor<10xf32> {dl.role = "state", dl.name = "v.fc2.bias"},
    %image: tensor<64x28x28xui8> {dl.role = "input", dl.name = "image"},
    %label: tensor<64xui8> {dl.role = "input", dl.name = "label"},
    %step: tensor<i64> {dl.role = "input", dl.name = "step"},
    %seed: tensor<i64> {dl.role = "input", dl.name = "seed"}) -> (
    tensor<128x784xf32> {dl.updates = 0 : i64},
    tensor<128xf32> {dl.updates = 1 : i64},
    tensor<10x128xf32> {dl.updates = 2 : i64},
    tensor<10xf32> {dl.updates = 3 : i64},
    tensor<128x784xf32> {dl.updates = 4 : i64},
    tensor<128xf32> {dl.updates = 5 : i64},
    tensor<10x128xf32> {dl.updates = 6 : i64},
    tensor<10xf32> {dl.updates = 7 : i64},
    tensor<128x784xf32> {dl.updates = 8 : i64},
    tensor<128xf32> {dl.updates = 9 : i64},
    tensor<10x128xf32> {dl.updates = 10 : i64},
    tensor<10xf32> {dl.updates = 11 : i64},
    tensor<f32> {dl.name = "loss"},
    tensor<f32> {dl.name = "accuracy"}) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %loss, %accuracy, %g0, %g1, %g2, %g3 = dl.grad (%p0, %p1, %p2, %p3), (%one) aux 1 {
  ^bb0(%w1: tensor<128x784xf32>, %b1: tensor<128xf32>, %w2: tensor<10x128xf32>, %b2: tensor<10xf32>):
    %x8 = dl.cast %image : tensor<64x28x28xui8> -> tensor<64x28x28xf32>
    %c255 = dl.constant dense<255.0> : tensor<64x28x28xf32>
    %xs = dl.div %x8, %c255 : tensor<64x28x28xf32>
    %x = dl.reshape %xs : tensor<64x28x28xf32> -> tensor<64x784xf32>
    %y1 = dl.contract "nk,mk->nm" %x, %w1 : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
    %bb1 = dl.broadcast %b1 to [1] : tensor<128xf32> -> tensor<64x128xf32>
    %a1 = dl.add %y1, %bb1 : tensor<64x128xf32>
    %h = dl.relu %a1 : tensor<64x128xf32>
    %y2 = dl.contract "nk,mk->nm" %h, %w2 : tensor<64x128xf32>, tensor<10x128xf32> -> tensor<64x10xf32>
    %bb2 = dl.broadcast %b2 to [1] : tensor<10xf32> -> tensor<64x10xf32>
    %s = dl.add %y2, %bb2 : tensor<64x10xf32>
    %max = dl.reduce max %s over [1] : tensor<64x10xf32> -> tensor<64xf32>
    %stop = dl.stop_gradient %max : tensor<64xf32>
    %bmax = dl.broadcast %stop to [0] : tensor<64xf32> -> tensor<64x10xf32>
    %shifted = dl.sub %s, %bmax : tensor<64x10xf32>
    %e = dl.exp %shifted : tensor<64x10xf32>
    %sum = dl.reduce sum %e over [1] : tensor<64x10xf32> -> tensor<64xf32>
    %log = dl.log %sum : tensor<64xf32>
    %iota = dl.iota 1 : tensor<64x10xi64>
    %l64 = dl.cast %label : tensor<64xui8> -> tensor<64xi64>
    %checked = dl.check_index %l64 below 10 what "label" : tensor<64xi64>
    %bl = dl.broadcast %checked to [0] : tensor<64xi64> -> tensor<64x10xi64>
    %hit = dl.compare eq %iota, %bl : tensor<64x10xi64> -> tensor<64x10xi1>
    %zero = dl.constant dense<0.0> : tensor<64x10xf32>
    %picked = dl.select %hit, %shifted, %zero : tensor<64x10xf32>
    %t = dl.reduce sum %picked over [1] : tensor<64x10xf32> -> tensor<64xf32>
    %rows = dl.sub %log, %t : tensor<64xf32>
    %total = dl.reduce sum %rows over [0] : tensor<64xf32> -> tensor<f32>
    %n = dl.constant dense<64.0> : tensor<f32>
    %lossValue = dl.div %total, %n : tensor<f32>
    %best = dl.arg_reduce max %s along 1 : tensor<64x10xf32> -> tensor<64xi64>
    %right = dl.compare eq %best, %l64 : tensor<64xi64> -> tensor<64xi1>
    %right32 = dl.cast %right : tensor<64xi1> -> tensor<64xf32>
    %count = dl.reduce sum %right32 over [0] : tensor<64xf32> -> tensor<f32>
    %accuracyValue = dl.div %count, %n : tensor<f32>
    dl.yield %lossValue, %accuracyValue : tensor<f32>, tensor<f32>
  } : (tensor<128x784xf32>, tensor<128xf32>, tensor<10x128xf32>, tensor<10xf32>, tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<128x784xf32>, tensor<128xf32>, tensor<10x128xf32>, tensor<10xf32>)
  %beta1 = dl.constant dense<0.9> : tensor<f64>
  %beta2 = dl.constant dense<0.999> : tensor<f64>
  %unit = dl.constant dense<1.0> : tensor<f64>
  %lr = dl.constant dense<0.001> : tensor<f64>
  %eps = dl.constant dense<1.0e-8> : tensor<f64>
  %count64 = dl.cast %step : tensor<i64> -> tensor<f64>
  %pow1 = dl.pow %beta1, %count64 : tensor<f64>
  %pow2 = dl.pow %beta2, %count64 : tensor<f64>
  %corr1 = dl.sub %unit, %pow1 : tensor<f64>
  %corr2 = dl.sub %unit, %pow2 : tensor<f64>
  %rest1 = dl.sub %unit, %beta1 : tensor<f64>
  %rest2 = dl.sub %unit, %beta2 : tensor<f64>
  %beta1s = dl.cast %beta1 : tensor<f64> -> tensor<f32>
  %beta2s = dl.cast %beta2 : tensor<f64> -> tensor<f32>
  %rest1s = dl.cast %rest1 : tensor<f64> -> tensor<f32>
  %rest2s = dl.cast %rest2 : tensor<f64> -> tensor<f32>
  %corr1s = dl.cast %corr1 : tensor<f64> -> tensor<f32>
  %corr2s = dl.cast %corr2 : tensor<f64> -> tensor<f32>
  %lrs = dl.cast %lr : tensor<f64> -> tensor<f32>
  %epss = dl.cast %eps : tensor<f64> -> tensor<f32>
  %bb1_0 = dl.broadcast %beta1s to [] : tensor<f32> -> tensor<128x784xf32>
  %mOld0 = dl.mul %m0, %bb1_0 : tensor<128x784xf32>
  %br1_0 = dl.broadcast %rest1s to [] : tensor<f32> -> tensor<128x784xf32>
  %mAdd0 = dl.mul %g0, %br1_0 : tensor<128x784xf32>
  %mNew0 = dl.add %mOld0, %mAdd0 : tensor<128x784xf32>
  %bb2_0 = dl.broadcast %beta2s to [] : tensor<f32> -> tensor<128x784xf32>
  %vOld0 = dl.mul %v0, %bb2_0 : tensor<128x784xf32>
  %gg0 = dl.mul %g0, %g0 : tensor<128x784xf32>
  %br2_0 = dl.broadcast %rest2s to [] : tensor<f32> -> tensor<128x784xf32>
  %vAdd0 = dl.mul %gg0, %br2_0 : tensor<128x784xf32>
  %vNew0 = dl.add %vOld0, %vAdd0 : tensor<128x784xf32>
  %bc1_0 = dl.broadcast %corr1s to [] : tensor<f32> -> tensor<128x784xf32>
  %mHat0 = dl.div %mNew0, %bc1_0 : tensor<128x784xf32>
  %bc2_0 = dl.broadcast %corr2s to [] : tensor<f32> -> tensor<128x784xf32>
  %vHat0 = dl.div %vNew0, %bc2_0 : tensor<128x784xf32>
  %root0 = dl.sqrt %vHat0 : tensor<128x784xf32>
  %be_0 = dl.broadcast %epss to [] : tensor<f32> -> tensor<128x784xf32>
  %den0 = dl.add %root0, %be_0 : tensor<128x784xf32>
  %bl_0 = dl.broadcast %lrs to [] : tensor<f32> -> tensor<128x784xf32>
  %up0 = dl.mul %mHat0, %bl_0 : tensor<128x784xf32>
  %by0 = dl.div %up0, %den0 : tensor<128x784xf32>
  %pNew0 = dl.sub %p0, %by0 : tensor<128x784xf32>
  %bb1_1 = dl.broadcast %beta1s to [] : tensor<f32> -> tensor<128xf32>
  %mOld1 = dl.mul %m1, %bb1_1 : tensor<128xf32>
  %br1_1 = dl.broadcast %rest1s to [] : tensor<f32> -> tensor<128xf32>
  %mAdd1 = dl.mul %g1, %br1_1 : tensor<128xf32>
  %mNew1 = dl.add %mOld1, %mAdd1 : tensor<128xf32>
  %bb2_1 = dl.broadcast %beta2s to [] : tensor<f32> -> tensor<128xf32>
  %vOld1 = dl.mul %v1, %bb2_1 : tensor<128xf32>
  %gg1 = dl.mul %g1, %g1 : tensor<128xf32>
  %br2_1 = dl.broadcast %rest2s to [] : tensor<f32> -> tensor<128xf32>
  %vAdd1 = dl.mul %gg1, %br2_1 : tensor<128xf32>
  %vNew1 = dl.add %vOld1, %vAdd1 : tensor<128xf32>
  %bc1_1 = dl.broadcast %corr1s to [] : tensor<f32> -> tensor<128xf32>
  %mHat1 = dl.div %mNew1, %bc1_1 : tensor<128xf32>
  %bc2_1 = dl.broadcast %corr2s to [] : tensor<f32> -> tensor<128xf32>
  %vHat1 = dl.div %vNew1, %bc2_1 : tensor<128xf32>
  %root1 = dl.sqrt %vHat1 : tensor<128xf32>
  %be_1 = dl.broadcast %epss to [] : tensor<f32> -> tensor<128xf32>
  %den1 = dl.add %root1, %be_1 : tensor<128xf32>
  %bl_1 = dl.broadcast %lrs to [] : tensor<f32> -> tensor<128xf32>
  %up1 = dl.mul %mHat1, %bl_1 : tensor<128xf32>
  %by1 = dl.div %up1, %den1 : tensor<128xf32>
  %pNew1 = dl.sub %p1, %by1 : tensor<128xf32>
  %bb1_2 = dl.broadcast %beta1s to [] : tensor<f32> -> tensor<10x128xf32>
  %mOld2 = dl.mul %m2, %bb1_2 : tensor<10x128xf32>
  %br1_2 = dl.broadcast %rest1s to [] : tensor<f32> -> tensor<10x128xf32>
  %mAdd2 = dl.mul %g2, %br1_2 : tensor<10x128xf32>
  %mNew2 = dl.add %mOld2, %mAdd2 : tensor<10x128xf32>
  %bb2_2 = dl.broadcast %beta2s to [] : tensor<f32> -> tensor<10x128xf32>
  %vOld2 = dl.mul %v2, %bb2_2 : tensor<10x128xf32>
  %gg2 = dl.mul %g2, %g2 : tensor<10x128xf32>
  %br2_2 = dl.broadcast %rest2s to [] : tensor<f32> -> tensor<10x128xf32>
  %vAdd2 = dl.mul %gg2, %br2_2 : tensor<10x128xf32>
  %vNew2 = dl.add %vOld2, %vAdd2 : tensor<10x128xf32>
  %bc1_2 = dl.broadcast %corr1s to [] : tensor<f32> -> tensor<10x128xf32>
  %mHat2 = dl.div %mNew2, %bc1_2 : tensor<10x128xf32>
  %bc2_2 = dl.broadcast %corr2s to [] : tensor<f32> -> tensor<10x128xf32>
  %vHat2 = dl.div %vNew2, %bc2_2 : tensor<10x128xf32>
  %root2 = dl.sqrt %vHat2 : tensor<10x128xf32>
  %be_2 = dl.broadcast %epss to [] : tensor<f32> -> tensor<10x128xf32>
  %den2 = dl.add %root2, %be_2 : tensor<10x128xf32>
  %bl_2 = dl.broadcast %lrs to [] : tensor<f32> -> tensor<10x128xf32>
  %up2 = dl.mul %mHat2, %bl_2 : tensor<10x128xf32>
  %by2 = dl.div %up2, %den2 : tensor<10x128xf32>
  %pNew2 = dl.sub %p2, %by2 : tensor<10x128xf32>
  %bb1_3 = dl.broadcast %beta1s to [] : tensor<f32> -> tensor<10xf32>
  %mOld3 = dl.mul %m3, %bb1_3 : tensor<10xf32>
  %br1_3 = dl.broadcast %rest1s to [] : tensor<f32> -> tensor<10xf32>
  %mAdd3 = dl.mul %g3, %br1_3 : tensor<10xf32>
  %mNew3 = dl.add %mOld3, %mAdd3 : tensor<10xf32>
  %bb2_3 = dl.broadcast %beta2s to [] : tensor<f32> -> tensor<10xf32>
  %vOld3 = dl.mul %v3, %bb2_3 : tensor<10xf32>
  %gg3 = dl.mul %g3, %g3 : tensor<10xf32>
  %br2_3 = dl.broadcast %rest2s to [] : tensor<f32> -> tensor<10xf32>
  %vAdd3 = dl.mul %gg3, %br2_3 : tensor<10xf32>
  %vNew3 = dl.add %vOld3, %vAdd3 : tensor<10xf32>
  %bc1_3 = dl.broadcast %corr1s to [] : tensor<f32> -> tensor<10xf32>
  %mHat3 = dl.div %mNew3, %bc1_3 : tensor<10xf32>
  %bc2_3 = dl.broadcast %corr2s to [] : tensor<f32> -> tensor<10xf32>
  %vHat3 = dl.div %vNew3, %bc2_3 : tensor<10xf32>
  %root3 = dl.sqrt %vHat3 : tensor<10xf32>
  %be_3 = dl.broadcast %epss to [] : tensor<f32> -> tensor<10xf32>
  %den3 = dl.add %root3, %be_3 : tensor<10xf32>
  %bl_3 = dl.broadcast %lrs to [] : tensor<f32> -> tensor<10xf32>
  %up3 = dl.mul %mHat3, %bl_3 : tensor<10xf32>
  %by3 = dl.div %up3, %den3 : tensor<10xf32>
  %pNew3 = dl.sub %p3, %by3 : tensor<10xf32>
  return %pNew0, %pNew1, %pNew2, %pNew3, %mNew0, %mNew1, %mNew2, %mNew3, %vNew0, %vNew1, %vNew2, %vNew3, %loss, %accuracy :
    tensor<128x784xf32>, tensor<128xf32>, tensor<10x128xf32>, tensor<10xf32>, tensor<128x784xf32>, tensor<128xf32>, tensor<10x128xf32>, tensor<10xf32>, tensor<128x784xf32>, tensor<128xf32>, tensor<10x128xf32>, tensor<10xf32>, tensor<f32>, tensor<f32>
}
