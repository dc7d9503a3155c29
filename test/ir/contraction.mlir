// dl.contract reads and prints the same: products, batches, outer products, bf16.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @contract
func.func @contract(%x: tensor<64x784xf32>, %w: tensor<128x784xf32>, %q: tensor<2x3x4xf64>, %v: tensor<5xbf16>)
    -> (tensor<64x128xf32>, tensor<2x3x3xf64>, tensor<5x5xbf16>, tensor<bf16>) {
  // CHECK: dl.contract "nk,mk->nm" %{{.*}}, %{{.*}} : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  %0 = dl.contract "nk,mk->nm" %x, %w : tensor<64x784xf32>, tensor<128x784xf32> -> tensor<64x128xf32>
  // CHECK: dl.contract "bik,bjk->bij"
  %1 = dl.contract "bik,bjk->bij" %q, %q : tensor<2x3x4xf64>, tensor<2x3x4xf64> -> tensor<2x3x3xf64>
  // CHECK: dl.contract "i,j->ij"
  %2 = dl.contract "i,j->ij" %v, %v : tensor<5xbf16>, tensor<5xbf16> -> tensor<5x5xbf16>
  // CHECK: dl.contract "i,i->" %{{.*}}, %{{.*}} : tensor<5xbf16>, tensor<5xbf16> -> tensor<bf16>
  %3 = dl.contract "i,i->" %v, %v : tensor<5xbf16>, tensor<5xbf16> -> tensor<bf16>
  return %0, %1, %2, %3 : tensor<64x128xf32>, tensor<2x3x3xf64>, tensor<5x5xbf16>, tensor<bf16>
}
