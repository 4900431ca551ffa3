-- What the plots compare: temporary tables over the runs that are done, of the newest epoch, of workload rpc, and with
-- every `NAME=VALUE` that was asked for (temp table wanted).  Closed loops (load 0) only where there is nothing else.
--   chosen      one row per configuration: load_no counts the loads from 0, arm_no is 0 host, 1 chimney
--   chosen_run  one row per run
--   strip       the binding resource along the sizes, equal neighbours joined
CREATE TEMP TABLE IF NOT EXISTS wanted(name TEXT NOT NULL, txt TEXT NOT NULL);

CREATE TEMP TABLE chosen AS
  WITH epoch AS (SELECT max(model_epoch) AS newest FROM run WHERE status = 'done')
  SELECT c.config_id, c.pair_hash, o.txt AS arm, o.txt = 'chimney' AS arm_no,
         l.num AS load, l.txt AS load_txt, dense_rank() OVER (ORDER BY l.num) - 1 AS load_no,
         i.num AS io_size, i.txt AS io_txt
  FROM config c
       JOIN config_param o ON o.config_id = c.config_id AND o.name = 'offload'
       JOIN config_param l ON l.config_id = c.config_id AND l.name = 'load'
       JOIN config_param i ON i.config_id = c.config_id AND i.name = 'io_size'
       JOIN config_param w ON w.config_id = c.config_id AND w.name = 'workload' AND w.txt = 'rpc'
  WHERE (l.num > 0 OR NOT EXISTS (SELECT 1 FROM config_param x WHERE x.name = 'load' AND x.num > 0))
    AND EXISTS (SELECT 1 FROM run r, epoch WHERE r.config_id = c.config_id AND r.status = 'done'
                AND r.model_epoch = newest)
    AND NOT EXISTS (SELECT 1 FROM wanted a WHERE NOT EXISTS
          (SELECT 1 FROM config_param p WHERE p.config_id = c.config_id AND p.name = a.name AND p.txt = a.txt));

CREATE TEMP TABLE chosen_run AS
  SELECT r.run_id, r.config_id, r.rng_seed, r.rng_run, arm_no, load_no, io_size
  FROM chosen JOIN run r USING(config_id)
  WHERE r.status = 'done' AND r.model_epoch = (SELECT max(model_epoch) FROM run WHERE status = 'done');

CREATE TEMP TABLE busiest AS
  SELECT run_id, next FROM (
    SELECT run_id, CASE metric.name WHEN 'util.core' THEN 1 WHEN 'util.engine' THEN 2 WHEN 'util.pcie' THEN 4 ELSE 5 END AS next,
           row_number() OVER (PARTITION BY run_id ORDER BY value DESC, metric.name) AS place
    FROM chosen_run JOIN scalar USING(run_id) JOIN metric USING(metric_id)
    WHERE metric.name IN ('util.core', 'util.engine', 'util.pcie', 'util.wire') AND entity = '')
  WHERE place = 1;

CREATE TEMP TABLE strip AS
  WITH votes AS (
    -- Where the offered load binds, 70 + the code of the busiest resource says what would bind next.
    SELECT load_no, arm_no, io_size, CASE WHEN scalar.num = 7 AND next IS NOT NULL THEN 70 + next ELSE scalar.num END AS code, count(*) AS n
    FROM chosen_run JOIN scalar USING(run_id) JOIN metric USING(metric_id) LEFT JOIN busiest USING(run_id)
    WHERE metric.name = 'binding' AND entity = '' GROUP BY 1, 2, 3, 4),
  placed AS (
    SELECT *, row_number() OVER (PARTITION BY load_no, arm_no, io_size ORDER BY n DESC, code) AS place,
           count(*) OVER (PARTITION BY load_no, arm_no, io_size) > 1 AS mixed
    FROM votes),
  sizes AS (SELECT DISTINCT io_size, log2(io_size) AS x FROM chosen),
  edges AS (
    SELECT io_size, x, row_number() OVER (ORDER BY x) AS cell,
           lag(x) OVER (ORDER BY x) AS before, lead(x) OVER (ORDER BY x) AS after FROM sizes),
  cells AS (
    SELECT load_no, arm_no, cell, code, mixed,
           (x + coalesce(before, 2 * x - after, x - 1)) / 2.0 AS x_from,
           (x + coalesce(after, 2 * x - before, x + 1)) / 2.0 AS x_to
    FROM placed JOIN edges USING(io_size) WHERE place = 1),
  islands AS (
    SELECT *, cell - row_number() OVER (PARTITION BY load_no, arm_no, code, mixed ORDER BY cell) AS island FROM cells)
  SELECT load_no, arm_no, min(x_from) AS x_from, max(x_to) AS x_to, code, max(mixed) AS mixed, count(*) AS cells
  FROM islands GROUP BY load_no, arm_no, code, mixed, island
  ORDER BY load_no, arm_no, x_from;
