# SPDX-License-Identifier: Apache-2.0
"""The term language and the rules, in egglog.

A term is a call of the float QDQ form; its first number says which step of the model it comes from
(`terms.py`), with its attributes and its name. Constants are handles: what they hold stays
outside (`constants.py`), rules know facts about them. Moves are names (`moves.py`).

Exact: the same numbers in the same float operations, elsewhere or in another order of dimensions
(MOVES, FORMS). Exact in the integer form: the same integer sums (WINDOWS). By construction before
quantization: a factor goes into the weights' or the activation's real scale, from which the integer
form takes its multiplier; the float form would round once more (SCALES). Both are within what
codegen/frontend/integerize.py documents, which has one rounding per island.
"""

from __future__ import annotations

LANGUAGE = """
(sort T) (sort C) (sort L)
(constructor V (i64) T)
(constructor K (C) T)
(constructor Un (i64 T) T)
(constructor Bin (String i64 T T) T)
(constructor Clip (i64 T f64 f64) T)
(constructor Q (i64 T C C) T)
(constructor Dq (i64 T C C) T)
(constructor Move (String T) T)
(constructor Conv1d (i64 T T) T)
(constructor Conv2d (i64 T T) T)
(constructor Matmul (i64 T T) T)
(constructor Keep (i64 String T C C) T)
(constructor Mean (i64 T String) T)
(constructor Sum (i64 T String) T)
(constructor Pool (i64 String T) T)
(constructor Norm (i64 T C C) T)
(constructor Windows (i64 T C) T)
(constructor Parts (i64 T T) T)
(constructor Concat (i64 L i64) T)
(constructor Nil () L)
(constructor Cons (T L) L)
(constructor MoveAll (String L) L)

(constructor Id (i64) C)
(constructor Value (C) C)
(constructor Moved (C String) C)
(constructor Times (C C) C)
(constructor Plus (C C) C)
(constructor Minus (C) C)
(constructor Inverse (C) C)
(constructor Scaled (C C i64) C)
(constructor Kernel (C String i64) C)

(relation scalar (C)) (relation positive (C)) (relation nonzero (C))
(relation channel (C)) (relation last (C))
(relation weight (C)) (relation flippable (C)) (relation computed (C))
(function number (C) f64 :merge old)

(function compose (String String) String :merge old)
(function inverse (String) String :merge old)
(relation identity (String)) (relation carries (String))
(relation channel-stays (String)) (relation last-stays (String))
(relation channel-to-last (String)) (relation last-to-channel (String))
(relation mean-through (String String String String))
(relation axis-through (String i64 i64))
(relation merged (String String String))

(relation even (i64)) (relation selects (i64)) (relation homogeneous (i64)) (relation linear-pool (i64))
(relation as-conv2d (i64 String String))
(relation as-rows (i64 T String String))
(relation as-image (i64 String String))
(relation as-matmul (i64 String String))
(relation left-product (i64 String String))
(relation mean-image (i64 String String String String))
(relation pool-image (i64 String String))
(relation pool-floors (i64)) (relation pool-is-mean (i64)) (relation ones (i64 C))
(relation count (i64 C))
(relation wide-kernel (i64))
(ruleset facts) (ruleset rules)
"""

FACTS = """
(rule ((scalar c)) ((channel c) (last c)) :ruleset facts)
(rule ((positive c)) ((nonzero c)) :ruleset facts)
(rule ((= c (Times a b)) (scalar a) (scalar b)) ((scalar c)) :ruleset facts)
(rule ((= c (Times a b)) (channel a) (channel b)) ((channel c)) :ruleset facts)
(rule ((= c (Times a b)) (last a) (last b)) ((last c)) :ruleset facts)
(rule ((= c (Times a b)) (positive a) (positive b)) ((positive c)) :ruleset facts)
(rule ((= c (Times a b)) (nonzero a) (nonzero b)) ((nonzero c)) :ruleset facts)
(rule ((= c (Plus a b)) (scalar a) (scalar b)) ((scalar c)) :ruleset facts)
(rule ((= c (Plus a b)) (channel a) (channel b)) ((channel c)) :ruleset facts)
(rule ((= c (Plus a b)) (last a) (last b)) ((last c)) :ruleset facts)
(rule ((= c (Minus a)) (scalar a)) ((scalar c)) :ruleset facts)
(rule ((= c (Minus a)) (channel a)) ((channel c)) :ruleset facts)
(rule ((= c (Minus a)) (last a)) ((last c)) :ruleset facts)
(rule ((= c (Inverse a)) (scalar a)) ((scalar c)) :ruleset facts)
(rule ((= c (Inverse a)) (channel a)) ((channel c)) :ruleset facts)
(rule ((= c (Inverse a)) (last a)) ((last c)) :ruleset facts)
(rule ((= c (Inverse a)) (positive a)) ((positive c)) :ruleset facts)
(rule ((= c (Inverse a)) (nonzero a)) ((nonzero c)) :ruleset facts)
(rule ((= c (Moved a m)) (scalar a)) ((scalar c)) :ruleset facts)
(rule ((= c (Moved a m)) (positive a)) ((positive c)) :ruleset facts)
(rule ((= c (Moved a m)) (nonzero a)) ((nonzero c)) :ruleset facts)
(rule ((= c (Moved a m)) (channel a) (channel-stays m)) ((channel c)) :ruleset facts)
(rule ((= c (Moved a m)) (last a) (last-stays m)) ((last c)) :ruleset facts)
(rule ((= c (Moved a m)) (channel a) (channel-to-last m)) ((last c)) :ruleset facts)
(rule ((= c (Moved a m)) (last a) (last-to-channel m)) ((channel c)) :ruleset facts)
(rule ((= c (Scaled w g a)) (weight w)) ((weight c)) :ruleset facts)
(rule ((= c (Scaled w g a)) (flippable w)) ((flippable c)) :ruleset facts)
(rule ((= c (Kernel w k i)) (weight w)) ((weight c)) :ruleset facts)
(rule ((= c (Kernel w k i)) (flippable w)) ((flippable c)) :ruleset facts)
"""

FORMS = """
; Operands where the patterns want them. Exact.
(rewrite (Bin "add" i (K c) x) (Bin "add" i x (K c)) :ruleset rules)
(rewrite (Bin "multiply" i (K c) x) (Bin "multiply" i x (K c)) :ruleset rules)
(rewrite (Bin "maximum" i (K c) x) (Bin "maximum" i x (K c)) :ruleset rules)
(rewrite (Bin "minimum" i (K c) x) (Bin "minimum" i x (K c)) :ruleset rules)
(rewrite (Bin "subtract" i x (K c)) (Bin "add" i x (K (Minus c))) :ruleset rules)
(rewrite (K c) (K (Value c)) :when ((computed c)) :ruleset rules)
; Bounds. Exact.
(rule ((= e (Bin "maximum" i x (K c))) (= v (number c)))
      ((union e (Clip i x v 3.4028234663852886e38))) :ruleset rules)
(rule ((= e (Bin "minimum" i x (K c))) (= v (number c)))
      ((union e (Clip i x -3.4028234663852886e38 v))) :ruleset rules)
(rewrite (Clip i (Clip j x a b) c d) (Clip i x (max a c) (min (max b c) d))
      :when ((<= c d)) :ruleset rules)
; One form of product for another. Exact: the same sums.
(rewrite (Conv1d i x (K w)) (Move s (Conv2d i (Move u x) (K (Kernel w "1d" i))))
      :when ((as-conv2d i u s)) :ruleset rules)
(rewrite (Conv1d i x (K w)) (Move s (Matmul i (Move u x) (K (Kernel w "transposed" i))))
      :when ((as-matmul i u s)) :ruleset rules)
(rewrite (Matmul i x (K w)) (Move s (Matmul i (Move u x) (K w)))
      :when ((as-rows i x u s)) :ruleset rules)
(rewrite (Matmul i x (K w)) (Move s (Conv2d i (Move u x) (K (Kernel w "pixel" i))))
      :when ((as-image i u s)) :ruleset rules)
(rewrite (Matmul i (K w) x) (Move s (Conv2d i (Move u x) (K (Kernel w "left" i))))
      :when ((left-product i u s)) :ruleset rules)
; Means and pools. Exact, but for the order of float sums in a mean of means.
(rewrite (Mean i x a) (Move s (Mean i (Move u x) b)) :when ((mean-image i a u s b)) :ruleset rules)
(rewrite (Mean j (Mean i x a) b) (Mean j x c) :when ((merged a b c)) :ruleset rules)
(rewrite (Pool i "" x) (Move s (Pool i "2d" (Move u x))) :when ((pool-image i u s)) :ruleset rules)
(rewrite (Pool i "" x) (Pool i "floor" x) :when ((pool-floors i)) :ruleset rules)
(rewrite (Pool i "" x) (Mean i x "2,3") :when ((pool-is-mean i)) :ruleset rules)
(rewrite (Pool i "" x) (Conv2d i x (K c)) :when ((ones i c)) :ruleset rules)
; Quantizing a quantized value again; choosing among quantized values.
(rewrite (Q i (Dq j x s z) s z) x :ruleset rules)
(rewrite (Un i (Dq j x s z)) (Dq j (Keep i "" x s z) s z)
      :when ((selects i) (scalar s)) :ruleset rules)
(rewrite (Pool i m (Dq j x s z)) (Dq j (Keep i m x s z) s z)
      :when ((selects i) (scalar s)) :ruleset rules)
"""

MOVES = """
(rewrite (Move m (Move n x)) (Move k x) :when ((= k (compose m n))) :ruleset rules)
(rewrite (Move m x) x :when ((identity m)) :ruleset rules)
(rewrite (Moved (Moved c n) m) (Moved c k) :when ((= k (compose m n))) :ruleset rules)
(rewrite (Moved c m) c :when ((identity m)) :ruleset rules)
(rewrite (Moved c m) c :when ((scalar c)) :ruleset rules)
(birewrite (Un i (Move m x)) (Move m (Un i x)) :ruleset rules)
(birewrite (Clip i (Move m x) a b) (Move m (Clip i x a b)) :ruleset rules)
(rewrite (Q i (Move m x) s z) (Move m (Q i x s z)) :when ((scalar s)) :ruleset rules)
(rewrite (Move m (Q i x s z)) (Q i (Move m x) s z) :when ((scalar s)) :ruleset rules)
(rewrite (Dq i (Move m x) s z) (Move m (Dq i x s z)) :when ((scalar s)) :ruleset rules)
(rewrite (Move m (Dq i x s z)) (Dq i (Move m x) s z) :when ((scalar s)) :ruleset rules)
(rewrite (Bin o i (Move m x) (Move m y)) (Move m (Bin o i x y)) :when ((even i)) :ruleset rules)
(rewrite (Bin o i (Move m x) y) (Move m (Bin o i x (Move n y)))
      :when ((even i) (= n (inverse m))) :ruleset rules)
(rewrite (Bin o i x (Move m y)) (Move m (Bin o i (Move n x) y))
      :when ((even i) (= n (inverse m))) :ruleset rules)
(rewrite (Move m (Bin o i x y)) (Bin o i (Move m x) (Move m y)) :when ((even i)) :ruleset rules)
(rewrite (Bin o i (Move m x) (K c)) (Move m (Bin o i x (K (Moved c n))))
      :when ((carries m) (= n (inverse m))) :ruleset rules)
(rewrite (Bin o i (K c) (Move m x)) (Move m (Bin o i (K (Moved c n)) x))
      :when ((carries m) (= n (inverse m))) :ruleset rules)
(rewrite (Move m (Bin o i x (K c))) (Bin o i (Move m x) (K (Moved c m)))
      :when ((carries m)) :ruleset rules)
(rewrite (Bin o i (Move m x) (K c)) (Move m (Bin o i x (K c))) :when ((scalar c)) :ruleset rules)
(rewrite (Bin o i (K c) (Move m x)) (Move m (Bin o i (K c) x)) :when ((scalar c)) :ruleset rules)
(rewrite (Move m (Bin o i x (K c))) (Bin o i (Move m x) (K c)) :when ((scalar c)) :ruleset rules)
(rewrite (Mean i (Move m x) a) (Move n (Mean i x b))
      :when ((mean-through m a b n)) :ruleset rules)
(rewrite (Concat i (Cons (Move m x) l) a) (Move m (Concat i (Cons x (MoveAll n l)) b))
      :when ((axis-through m b a) (= n (inverse m))) :ruleset rules)
(rewrite (Move m (Concat i l a)) (Concat i (MoveAll m l) b)
      :when ((axis-through m a b)) :ruleset rules)
(rewrite (MoveAll m (Cons x l)) (Cons (Move m x) (MoveAll m l)) :ruleset rules)
(rewrite (MoveAll m (Nil)) (Nil) :ruleset rules)
"""

SCALES = """
(rewrite (Bin "divide" i x (K c)) (Bin "multiply" i x (K (Inverse c)))
      :when ((nonzero c)) :ruleset rules)
(rewrite (Norm i x k o) (Bin "add" i (Bin "multiply" i x (K k)) (K o)) :ruleset rules)
(rewrite (Sum i x a) (Bin "multiply" i (Mean i x a) (K c)) :when ((count i c)) :ruleset rules)
; Chains with constants.
(rewrite (Bin "multiply" i (Bin "multiply" j x (K a)) (K b)) (Bin "multiply" i x (K (Times a b)))
      :ruleset rules)
(rewrite (Bin "add" i (Bin "add" j x (K a)) (K b)) (Bin "add" i x (K (Plus a b))) :ruleset rules)
(rewrite (Bin "multiply" i (Bin "add" j x (K a)) (K b))
      (Bin "add" j (Bin "multiply" i x (K b)) (K (Times a b))) :ruleset rules)
; A factor per output channel goes into the weights' scales, its sign into the weights.
(rewrite (Bin "multiply" j (Conv2d i x (K w)) (K g)) (Conv2d i x (K (Scaled w g 0)))
      :when ((weight w) (channel g) (positive g)) :ruleset rules)
(rewrite (Bin "multiply" j (Conv2d i x (K w)) (K g)) (Conv2d i x (K (Scaled w g 0)))
      :when ((weight w) (channel g) (nonzero g) (flippable w)) :ruleset rules)
(rewrite (Bin "multiply" j (Matmul i x (K w)) (K g)) (Matmul i x (K (Scaled w g -1)))
      :when ((weight w) (last g) (positive g)) :ruleset rules)
(rewrite (Bin "multiply" j (Matmul i x (K w)) (K g)) (Matmul i x (K (Scaled w g -1)))
      :when ((weight w) (last g) (nonzero g) (flippable w)) :ruleset rules)
; One factor passes through what is linear, to where it can be absorbed.
(rewrite (Conv2d i (Bin "multiply" j x (K c)) w) (Bin "multiply" j (Conv2d i x w) (K c))
      :when ((scalar c)) :ruleset rules)
(rewrite (Matmul i (Bin "multiply" j x (K c)) w) (Bin "multiply" j (Matmul i x w) (K c))
      :when ((scalar c)) :ruleset rules)
(rewrite (Bin "multiply" j (Matmul i x y) (K c)) (Matmul i (Bin "multiply" j x (K c)) y)
      :when ((scalar c)) :ruleset rules)
(rewrite (Bin "multiply" j (Mean i x a) (K c)) (Mean i (Bin "multiply" j x (K c)) a)
      :when ((scalar c)) :ruleset rules)
(rewrite (Bin "multiply" j (Pool i m x) (K c)) (Pool i m (Bin "multiply" j x (K c)))
      :when ((scalar c) (linear-pool i)) :ruleset rules)
(rewrite (Bin "multiply" j (Un i x) (K c)) (Un i (Bin "multiply" j x (K c)))
      :when ((homogeneous i) (positive c)) :ruleset rules)
(rewrite (Bin "multiply" j (Dq i x s z) (K c)) (Dq i x (Times s c) z)
      :when ((scalar c) (positive c) (scalar s)) :ruleset rules)
(rewrite (Q i (Bin "multiply" j x (K c)) s z) (Q i x (Times s (Inverse c)) z)
      :when ((scalar c) (positive c) (scalar s)) :ruleset rules)
"""

WINDOWS = """
; A kernel that is too wide: its parts as more input channels, over shifted windows of the input.
(rewrite (Conv2d i (Dq j x s z) (K w)) (Parts i (Dq j (Windows i x z) s z) (K (Kernel w "wide" i)))
      :when ((wide-kernel i) (weight w) (scalar s)) :ruleset rules)
"""

GROUPS = {"forms": FORMS, "moves": MOVES, "scales": SCALES, "windows": WINDOWS}
"""Rules by what they keep; see above."""
ROUNDS = 24
"""Most rounds of all rules."""
NODES = 60_000
"""Where saturation stops."""
