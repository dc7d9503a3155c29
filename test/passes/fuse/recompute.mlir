// RUN: dlc-opt %s --dl-fuse-kernels | FileCheck %s
// RUN: dlc-opt %s --dl-fuse-kernels=merge=false | FileCheck %s --check-prefix=SINGLE

// The halves of the sums follow from the sums, which are there in any case; tanh is dearer than reading it back.
// CHECK-LABEL: func.func @cheap
// CHECK: %[[F:.*]]:3 = dl.kernel "product" contract
// CHECK: %[[X:.*]] = dl.contract
// CHECK: %[[T:.*]] = dl.tanh %[[X]]
// CHECK: %[[Y:.*]] = dl.mul
// CHECK: dl.yield %[[X]], %[[T]], %[[Y]] :
// CHECK: dl.kernel "product_2" contract ins(%[[F]]#2, %arg2, %[[F]]#0, %[[F]]#1 :
// CHECK-NOT: dl.tanh
// CHECK: return
// SINGLE-LABEL: func.func @cheap
// SINGLE: dl.kernel "mul"
// SINGLE: dl.kernel "tanh"
func.func @cheap(%a: tensor<64x32xf32>, %w: tensor<32x64xf32>, %v: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %half = dl.constant dense<5.000000e-01> : tensor<64x64xf32>
  %x = dl.contract "mk,kn->mn" %a, %w : tensor<64x32xf32>, tensor<32x64xf32> -> tensor<64x64xf32>
  %h = dl.mul %x, %half : tensor<64x64xf32>
  %t = dl.tanh %x : tensor<64x64xf32>
  %y = dl.mul %h, %t : tensor<64x64xf32>
  %z = dl.contract "mk,kn->mn" %y, %v : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  %d = dl.mul %z, %h : tensor<64x64xf32>
  %e = dl.mul %d, %x : tensor<64x64xf32>
  %f = dl.mul %e, %t : tensor<64x64xf32>
  return %f : tensor<64x64xf32>
}

// The differences from the means of rows follow from the means, which are few.
// CHECK-LABEL: func.func @rows
// CHECK: %[[F:.*]]:2 = dl.kernel "softmax" map ins(%arg0 :
// CHECK-NOT: dl.sub
// CHECK: dl.yield %[[E:.*]], %[[M:.*]] : tensor<8x64xf32>, tensor<8xf32>
// CHECK: dl.kernel {{.*}} ins(%[[F]]#0, %[[F]]#1, %arg1 :
// CHECK: dl.sub
// CHECK: dl.reduce sum %{{.*}} over [0]
func.func @rows(%x: tensor<8x64xf32>, %g: tensor<8x64xf32>) -> (tensor<64xf32>, tensor<8x64xf32>) {
  %n = dl.constant dense<1.562500e-02> : tensor<8xf32>
  %e = dl.exp %x : tensor<8x64xf32>
  %s = dl.reduce sum %e over [1] : tensor<8x64xf32> -> tensor<8xf32>
  %m = dl.mul %s, %n : tensor<8xf32>
  %b = dl.broadcast %m to [0] : tensor<8xf32> -> tensor<8x64xf32>
  %c = dl.sub %e, %b : tensor<8x64xf32>
  %p = dl.mul %c, %g : tensor<8x64xf32>
  %q = dl.mul %p, %e : tensor<8x64xf32>
  %r = dl.reduce sum %q over [0] : tensor<8x64xf32> -> tensor<64xf32>
  return %r, %e : tensor<64xf32>, tensor<8x64xf32>
}

// Nothing is saved where the source would have to be read in its place, and an argument may be written over by then.
// CHECK-LABEL: func.func @no_saving
// CHECK: %[[F:.*]]:2 = dl.kernel
// CHECK: dl.yield %[[H:.*]], %{{.*}} :
// CHECK: dl.kernel "product" contract ins(%[[F]]#1, %arg1, %[[F]]#0 :
func.func @no_saving(%p: tensor<64x64xf32>, %v: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %half = dl.constant dense<5.000000e-01> : tensor<64x64xf32>
  %h = dl.mul %p, %half : tensor<64x64xf32>
  %t = dl.tanh %h : tensor<64x64xf32>
  %z = dl.contract "mk,kn->mn" %t, %v : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
  %d = dl.mul %z, %h : tensor<64x64xf32>
  return %d : tensor<64x64xf32>
}
