-- A checkout, as a script of pgbench's, on the tables of `pgtraffic init`:
--     pgtraffic -f examples/checkout.sql
-- It looks whether a store has enough of a product, and reserves it or not. Few products are asked for often.
\set store random(1, 20)
\set product 1 + permute(random_zipfian(0, 99, 1.1), 100)
\set cases 1 + random(0, 4) * random(0, 1)
BEGIN;
SELECT inventory_id, quantity_cases - reserved_cases AS free FROM inventory
    WHERE store_id = :store AND product_id = :product LIMIT 1 \gset stock_
\if :stock_free >= :cases
    UPDATE inventory SET reserved_cases = reserved_cases + :cases WHERE inventory_id = :stock_inventory_id;
\else
    SELECT p.product_name, sum(i.quantity_cases) FROM products AS p JOIN inventory AS i USING (product_id)
        WHERE p.product_id = :product GROUP BY p.product_name;
\endif
COMMIT;
