// Every elementwise operation reads and prints the same.
// RUN: dlc-opt %s | dlc-opt | FileCheck %s

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: dl.neg %{{.*}} : tensor<2x3xf32>
  %0 = dl.neg %x : tensor<2x3xf32>
  // CHECK: dl.abs %{{.*}} : tensor<2x3xf32>
  %1 = dl.abs %0 : tensor<2x3xf32>
  // CHECK: dl.sign %{{.*}} : tensor<2x3xf32>
  %2 = dl.sign %1 : tensor<2x3xf32>
  // CHECK: dl.exp %{{.*}} : tensor<2x3xf32>
  %3 = dl.exp %2 : tensor<2x3xf32>
  // CHECK: dl.expm1 %{{.*}} : tensor<2x3xf32>
  %4 = dl.expm1 %3 : tensor<2x3xf32>
  // CHECK: dl.log %{{.*}} : tensor<2x3xf32>
  %5 = dl.log %4 : tensor<2x3xf32>
  // CHECK: dl.log1p %{{.*}} : tensor<2x3xf32>
  %6 = dl.log1p %5 : tensor<2x3xf32>
  // CHECK: dl.sqrt %{{.*}} : tensor<2x3xf32>
  %7 = dl.sqrt %6 : tensor<2x3xf32>
  // CHECK: dl.rsqrt %{{.*}} : tensor<2x3xf32>
  %8 = dl.rsqrt %7 : tensor<2x3xf32>
  // CHECK: dl.sin %{{.*}} : tensor<2x3xf32>
  %9 = dl.sin %8 : tensor<2x3xf32>
  // CHECK: dl.cos %{{.*}} : tensor<2x3xf32>
  %10 = dl.cos %9 : tensor<2x3xf32>
  // CHECK: dl.tanh %{{.*}} : tensor<2x3xf32>
  %11 = dl.tanh %10 : tensor<2x3xf32>
  // CHECK: dl.erf %{{.*}} : tensor<2x3xf32>
  %12 = dl.erf %11 : tensor<2x3xf32>
  // CHECK: dl.logistic %{{.*}} : tensor<2x3xf32>
  %13 = dl.logistic %12 : tensor<2x3xf32>
  // CHECK: dl.relu %{{.*}} : tensor<2x3xf32>
  %14 = dl.relu %13 : tensor<2x3xf32>
  // CHECK: dl.floor %{{.*}} : tensor<2x3xf32>
  %15 = dl.floor %14 : tensor<2x3xf32>
  // CHECK: dl.ceil %{{.*}} : tensor<2x3xf32>
  %16 = dl.ceil %15 : tensor<2x3xf32>
  // CHECK: dl.round %{{.*}} : tensor<2x3xf32>
  %17 = dl.round %16 : tensor<2x3xf32>
  // CHECK: dl.trunc %{{.*}} : tensor<2x3xf32>
  %18 = dl.trunc %17 : tensor<2x3xf32>
  // CHECK: dl.log2 %{{.*}} : tensor<2x3xf32>
  %19 = dl.log2 %18 : tensor<2x3xf32>
  // CHECK: dl.log10 %{{.*}} : tensor<2x3xf32>
  %20 = dl.log10 %19 : tensor<2x3xf32>
  // CHECK: dl.tan %{{.*}} : tensor<2x3xf32>
  %21 = dl.tan %20 : tensor<2x3xf32>
  // CHECK: dl.asin %{{.*}} : tensor<2x3xf32>
  %22 = dl.asin %21 : tensor<2x3xf32>
  // CHECK: dl.acos %{{.*}} : tensor<2x3xf32>
  %23 = dl.acos %22 : tensor<2x3xf32>
  // CHECK: dl.atan %{{.*}} : tensor<2x3xf32>
  %24 = dl.atan %23 : tensor<2x3xf32>
  // CHECK: dl.sinh %{{.*}} : tensor<2x3xf32>
  %25 = dl.sinh %24 : tensor<2x3xf32>
  // CHECK: dl.cosh %{{.*}} : tensor<2x3xf32>
  %26 = dl.cosh %25 : tensor<2x3xf32>
  // CHECK: dl.stop_gradient %{{.*}} : tensor<2x3xf32>
  %27 = dl.stop_gradient %26 : tensor<2x3xf32>
  return %27 : tensor<2x3xf32>
}

// CHECK-LABEL: @binary
func.func @binary(%x: tensor<4xf64>, %y: tensor<4xf64>) -> tensor<4xf64> {
  // CHECK: dl.add %{{.*}}, %{{.*}} : tensor<4xf64>
  %0 = dl.add %x, %y : tensor<4xf64>
  // CHECK: dl.sub %{{.*}}, %{{.*}} : tensor<4xf64>
  %1 = dl.sub %0, %y : tensor<4xf64>
  // CHECK: dl.mul %{{.*}}, %{{.*}} : tensor<4xf64>
  %2 = dl.mul %1, %y : tensor<4xf64>
  // CHECK: dl.div %{{.*}}, %{{.*}} : tensor<4xf64>
  %3 = dl.div %2, %y : tensor<4xf64>
  // CHECK: dl.rem %{{.*}}, %{{.*}} : tensor<4xf64>
  %4 = dl.rem %3, %y : tensor<4xf64>
  // CHECK: dl.atan2 %{{.*}}, %{{.*}} : tensor<4xf64>
  %angle = dl.atan2 %4, %y : tensor<4xf64>
  // CHECK: dl.pow %{{.*}}, %{{.*}} : tensor<4xf64>
  %5 = dl.pow %angle, %y : tensor<4xf64>
  // CHECK: dl.max %{{.*}}, %{{.*}} : tensor<4xf64>
  %6 = dl.max %5, %y : tensor<4xf64>
  // CHECK: dl.min %{{.*}}, %{{.*}} : tensor<4xf64>
  %7 = dl.min %6, %y : tensor<4xf64>
  // CHECK: dl.floor_div %{{.*}}, %{{.*}} : tensor<4xf64>
  %8 = dl.floor_div %7, %y : tensor<4xf64>
  return %8 : tensor<4xf64>
}

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<4xi64>, %y: tensor<4xui8>, %z: tensor<4xi32>) -> (tensor<4xi64>, tensor<4xui8>, tensor<4xi32>) {
  // CHECK: dl.div %{{.*}}, %{{.*}} : tensor<4xi64>
  %0 = dl.div %x, %x : tensor<4xi64>
  // CHECK: dl.relu %{{.*}} : tensor<4xui8>
  %1 = dl.relu %y : tensor<4xui8>
  // CHECK: dl.rem %{{.*}}, %{{.*}} : tensor<4xi32>
  %2 = dl.rem %z, %z : tensor<4xi32>
  return %0, %1, %2 : tensor<4xi64>, tensor<4xui8>, tensor<4xi32>
}

// CHECK-LABEL: @comparisons
func.func @comparisons(%x: tensor<5xbf16>, %y: tensor<5xbf16>) -> tensor<5xi1> {
  // CHECK: dl.compare eq %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %0 = dl.compare eq %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.compare ne %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %1 = dl.compare ne %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.compare lt %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %2 = dl.compare lt %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.compare le %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %3 = dl.compare le %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.compare gt %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %4 = dl.compare gt %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.compare ge %{{.*}}, %{{.*}} : tensor<5xbf16> -> tensor<5xi1>
  %5 = dl.compare ge %x, %y : tensor<5xbf16> -> tensor<5xi1>
  // CHECK: dl.and %{{.*}}, %{{.*}} : tensor<5xi1>
  %a = dl.and %0, %1 : tensor<5xi1>
  // CHECK: dl.or %{{.*}}, %{{.*}} : tensor<5xi1>
  %b = dl.or %a, %2 : tensor<5xi1>
  // CHECK: dl.not %{{.*}} : tensor<5xi1>
  %c = dl.not %b : tensor<5xi1>
  return %c : tensor<5xi1>
}

// CHECK-LABEL: @mixed
func.func @mixed(%m: tensor<3xi1>, %x: tensor<3xf32>, %label: tensor<3xui8>) -> (tensor<3xf32>, tensor<3xi64>) {
  // CHECK: dl.select %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xf32>
  %0 = dl.select %m, %x, %x : tensor<3xf32>
  // CHECK: dl.check_index %{{.*}} below 10 what "label" : tensor<3xui8>
  %1 = dl.check_index %label below 10 what "label" : tensor<3xui8>
  // CHECK: dl.cast %{{.*}} : tensor<3xui8> -> tensor<3xi64>
  %2 = dl.cast %1 : tensor<3xui8> -> tensor<3xi64>
  // CHECK: dl.check_index %{{.*}} from -10 below 10 what "place" : tensor<3xi64>
  %3 = dl.check_index %2 from -10 below 10 what "place" : tensor<3xi64>
  return %0, %2 : tensor<3xf32>, tensor<3xi64>
}

// CHECK-LABEL: @check
func.func @check(%x: tensor<4xf32>, %m: tensor<4xi1>) -> tensor<4xf32> {
  // CHECK: dl.check %{{.*}} if %{{.*}} what "p" expected "from 0 to 1" : tensor<4xf32>
  %0 = dl.check %x if %m what "p" expected "from 0 to 1" : tensor<4xf32>
  return %0 : tensor<4xf32>
}
