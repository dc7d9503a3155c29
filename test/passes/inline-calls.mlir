// RUN: dlc-opt %s --dl-inline-calls | FileCheck %s --check-prefix=BEFORE
// RUN: dlc-opt %s --dl-inline-calls=all | FileCheck %s --check-prefix=ALL

// A callee goes into its caller, and its callee into it; one with a rule of its own waits until all is differentiated.
// BEFORE-LABEL: func.func @main
// BEFORE-NEXT: dl.mul %arg0, %arg0
// BEFORE-NEXT: dl.add
// BEFORE-NEXT: dl.call @softplus
// ALL-LABEL: func.func @main
// ALL-NEXT: dl.mul %arg0, %arg0
// ALL-NEXT: dl.add
// ALL-NEXT: dl.exp
// ALL-NEXT: dl.log1p
// ALL-NEXT: return
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.call @outer(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %z = dl.call @softplus(%y) : (tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

func.func private @outer(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.call @square(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %z = dl.add %y, %x : tensor<4xf32>
  return %z : tensor<4xf32>
}

func.func private @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.mul %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func private @softplus(%x: tensor<4xf32>) -> tensor<4xf32> attributes {dl.derivative = @rule} {
  %e = dl.exp %x : tensor<4xf32>
  %y = dl.log1p %e : tensor<4xf32>
  return %y : tensor<4xf32>
}

// Private functions stay while calls may need them.
// BEFORE: func.func private @rule
// ALL-NOT: func.func private
func.func private @rule(%x: tensor<4xf32>, %y: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
  %s = dl.logistic %x : tensor<4xf32>
  %dx = dl.mul %dy, %s : tensor<4xf32>
  return %dx : tensor<4xf32>
}
