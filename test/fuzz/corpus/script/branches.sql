\set r random(1, 10)
\set x :r * 10 - least(:r, 3.5)
\if :r <= 3 and not :scale > 5
  \set x random(500, 600)
  INSERT INTO t VALUES (:x, :r::int);
\elif case when :r % 2 = 0 then true end
  SELECT even, i AS kept FROM t WHERE i = :r \gset k_
\else
  \set y random_gaussian(1, 9, 2.5) + :r
  SELECT ':', "a:b", $$ :x $$ -- :r
  ;
\endif
SELECT :x, :k_even /* :r */
\gset
\if :id is null
COMMIT
\endif
