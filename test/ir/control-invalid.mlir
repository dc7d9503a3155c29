// What calls, branches, loops and gradients refuse.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @callee(%x: tensor<f32>) {
  // expected-error @+1 {{calls `nowhere`, expected a function of the module}}
  %0 = dl.call @nowhere(%x) : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func private @f(tensor<f32>) -> tensor<f32>
func.func @call_count(%x: tensor<f32>) {
  // expected-error @+1 {{has 2 operands, expected 1}}
  %0 = dl.call @f(%x, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func private @f(tensor<f32>) -> tensor<f32>
func.func @call_operand(%x: tensor<f64>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the operands, expected 'tensor<f32>', the type of parameter 0}}
  %0 = dl.call @f(%x) : (tensor<f64>) -> tensor<f32>
  return
}

// -----

func.func private @f(tensor<f32>) -> tensor<f32>
func.func @call_result(%x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the results, expected 'tensor<f32>', the type of result 0}}
  %0 = dl.call @f(%x) : (tensor<f32>) -> tensor<f64>
  return
}

// -----

func.func @if_arguments(%c: tensor<i1>, %x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the then-region arguments, expected 'tensor<f32>', the type of input 0}}
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f64>):
    dl.yield %u : tensor<f64>
  } else {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @if_yields(%c: tensor<i1>, %x: tensor<f32>) {
  // expected-error @+1 {{has 0 else-region yields, expected 1}}
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } else {
  ^bb0(%u: tensor<f32>):
    dl.yield
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @if_result(%c: tensor<i1>, %x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f32>' as number 0 of the then-region yields, expected 'tensor<4xf32>', the type of result 0}}
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } else {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @if_condition(%c: tensor<4xi1>, %x: tensor<f32>) {
  // expected-error @+1 {{operand #0 must be 0D tensor of 1-bit signless integer values, but got 'tensor<4xi1>'}}
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } else {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<4xi1>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @if_captures(%c: tensor<i1>, %x: tensor<f32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = dl.if %c, (%x) {
  ^bb0(%u: tensor<f32>):
    // expected-error @+1 {{using value defined outside the region}}
    dl.yield %x : tensor<f32>
  } else {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<i1>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @yield_outside(%x: tensor<f32>) {
  // expected-error @+1 {{expects parent op to be one of 'dl.grad, dl.jvp, dl.if, dl.scan, dl.while, dl.kernel'}}
  dl.yield %x : tensor<f32>
}

// -----

func.func @if_ends(%c: tensor<i1>) {
  // expected-error @+1 {{has a then-region that ends with `func.return`, expected `dl.yield`}}
  %0 = "dl.if"(%c) ({
    "func.return"() : () -> ()
  }, {
    "func.return"() : () -> ()
  }) : (tensor<i1>) -> tensor<f32>
  return
}

// -----

func.func @scan_length(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{runs -1 times, expected at least 0}}
  %0:2 = dl.scan -1 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @scan_slice(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{slice 0 is 'tensor<3xf32>', expected a leading axis of size 4, the number of iterations}}
  %0:2 = dl.scan 4 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @scan_stack(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{stacked result 0 is 'tensor<f32>', expected a leading axis of size 3, the number of iterations}}
  %0:2 = dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @scan_carried_result(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the carried results, expected 'tensor<f32>', the type of carried value 0}}
  %0:2 = dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f64>, tensor<3xf32>)
  return
}

// -----

func.func @scan_results(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 0 results, expected at least 1, one for each carried value}}
  dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> ()
  return
}

// -----

func.func @scan_index(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 'tensor<i32>' as number 0 of the body arguments, expected 'tensor<i64>', the type of the index}}
  %0:2 = dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i32>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @scan_slice_argument(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 'tensor<3xf32>' as number 2 of the body arguments, expected 'tensor<f32>', the type of an element of slice 0}}
  %0:2 = dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<3xf32>):
    dl.yield %c, %c : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @scan_flag(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 2 body yields, expected 3}}
  %0:2 = dl.scan 3 breaks carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %x : tensor<f32>, tensor<f32>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @scan_yield(%z: tensor<f32>, %xs: tensor<3xf32>) {
  // expected-error @+1 {{has 'tensor<i64>' as number 1 of the body yields, expected 'tensor<f32>', the type of an element of stacked result 0}}
  %0:2 = dl.scan 3 carry(%z) slices(%xs) invariants() {
  ^bb0(%i: tensor<i64>, %c: tensor<f32>, %x: tensor<f32>):
    dl.yield %c, %i : tensor<f32>, tensor<i64>
  } : (tensor<f32>, tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @while_condition(%x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f32>' as number 0 of the condition yields, expected 'tensor<i1>', the type of the condition}}
  %0 = dl.while carry(%x) invariants() {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } do {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @while_body(%x: tensor<f32>) {
  // expected-error @+1 {{has 0 body yields, expected 1}}
  %0 = dl.while carry(%x) invariants() {
  ^bb0(%u: tensor<f32>):
    %m = dl.compare lt %u, %u : tensor<f32> -> tensor<i1>
    dl.yield %m : tensor<i1>
  } do {
  ^bb0(%u: tensor<f32>):
    dl.yield
  } : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @while_result(%x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the results, expected 'tensor<f32>', the type of carried value 0}}
  %0 = dl.while carry(%x) invariants() {
  ^bb0(%u: tensor<f32>):
    %m = dl.compare lt %u, %u : tensor<f32> -> tensor<i1>
    dl.yield %m : tensor<i1>
  } do {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<f32>) -> tensor<f64>
  return
}

// -----

func.func @grad_aux(%x: tensor<f32>) {
  // expected-error @+1 {{has 2 auxiliary values, expected 0 to 1, the number of yielded values}}
  %0:2 = dl.grad (%x), (%x) aux 2 {
  ^bb0(%u: tensor<f32>):
    %y = dl.constant dense<1.0> : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @grad_argument(%x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the body arguments, expected 'tensor<f32>', the type of input 0}}
  %0:2 = dl.grad (%x), (%x) aux 0 {
  ^bb0(%u: tensor<f64>):
    %y = dl.constant dense<1.0> : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @grad_cotangents(%x: tensor<f32>) {
  // expected-error @+1 {{has 0 cotangents, expected 1}}
  %0:2 = dl.grad (%x), () aux 0 {
  ^bb0(%u: tensor<f32>):
    %y = dl.constant dense<1.0> : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @grad_results(%x: tensor<f32>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 1 of the results, expected 'tensor<f32>', the type of input 0}}
  %0:2 = dl.grad (%x), (%x) aux 0 {
  ^bb0(%u: tensor<f32>):
    %y = dl.constant dense<1.0> : tensor<f32>
    dl.yield %y : tensor<f32>
  } : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f64>)
  return
}

// -----

func.func @print_gaps(%x: tensor<f32>) {
  // expected-error @+1 {{has 1 tensors, expected 0, one between two pieces}}
  dl.print [["x"]] (%x) : tensor<f32>
  return
}

// -----

func.func @print_pieces() {
  // expected-error @+1 {{has the value "x", expected pieces of text}}
  dl.print ["x"]
  return
}

// -----

func.func @jvp_tangents(%x: tensor<f32>, %dx: tensor<f64>) {
  // expected-error @+1 {{has 'tensor<f64>' as number 0 of the tangents, expected 'tensor<f32>', the type of input 0}}
  %0:2 = dl.jvp (%x), (%dx) {
  ^bb0(%u: tensor<f32>):
    dl.yield %u : tensor<f32>
  } : (tensor<f32>, tensor<f64>) -> (tensor<f32>, tensor<f32>)
  return
}
