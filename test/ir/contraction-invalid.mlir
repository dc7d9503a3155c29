// The einsum rules.
// RUN: dlc-opt %s --verify-diagnostics --split-input-file

func.func @no_result(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{equation is `ik,jk`, expected two terms and a result as in `nk,mk->nm`}}
  %0 = dl.contract "ik,jk" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @three_terms(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{equation is `ik,jk,jk->ij`, expected two terms and a result as in `nk,mk->nm`}}
  %0 = dl.contract "ik,jk,jk->ij" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @no_letter(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{equation `i.,jk->ij` has `.`, expected letters as in `nk,mk->nm`}}
  %0 = dl.contract "i.,jk->ij" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @twice(%x: tensor<2x2xf32>) {
  // expected-error @+1 {{letter `i` stands twice in `ii`, expected at most once in a term}}
  %0 = dl.contract "ii,jk->ij" %x, %x : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @rank(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{term `ikl` names 3 axes, expected 2, the rank of the left operand of shape [2, 3]}}
  %0 = dl.contract "ikl,jk->ij" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @elements(%x: tensor<2x3xf32>, %y: tensor<2x3xf64>) {
  // expected-error @+1 {{operands have elements of 'f32' and 'f64', expected one element type}}
  %0 = dl.contract "ik,jk->ij" %x, %y : tensor<2x3xf32>, tensor<2x3xf64> -> tensor<2x2xf32>
  return
}

// -----

func.func @lonely(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{letter `l` of `il,jk->ijk` stands in one operand alone, expected it in the result (or reduced before)}}
  %0 = dl.contract "il,jk->ijk" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2x3xf32>
  return
}

// -----

func.func @sizes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+1 {{letter `k` is 3 in the left operand and 4 in the right one, expected one size}}
  %0 = dl.contract "ik,jk->ij" %x, %y : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @from_nowhere(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{letter `m` of the result stands in no operand of `ik,jk->ijm`}}
  %0 = dl.contract "ik,jk->ijm" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x2x2xf32>
  return
}

// -----

func.func @result(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result is 'tensor<2x3xf32>', expected 'tensor<2x2xf32>': the sizes that the equation's letters have in the operands}}
  %0 = dl.contract "ik,jk->ij" %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return
}
