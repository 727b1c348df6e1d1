-- a checkout: looks at stock, takes it or orders more
\set product random_zipfian(1, 2000, 1.1)
\set customer random(1, 1000)
\set quantity 1 + random(0, 9) * :customer % 3
BEGIN;
SELECT quantity_cases, unit_price FROM inventory JOIN products USING (product_id) WHERE product_id = :product LIMIT 1 \gset s_
\if :s_quantity_cases is null
  SELECT 'no stock';
\elif :s_quantity_cases > :quantity * 100
  SELECT :s_unit_price::numeric * :quantity AS total;
\else
  SELECT 'order more';
  \if random(1, 10) = 1
    SELECT pg_sleep(0.01);
  \endif
\endif
COMMIT;
