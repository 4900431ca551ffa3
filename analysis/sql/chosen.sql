-- What the plots show: temporary tables over the runs that are done, of the newest epoch, and with every `NAME=VALUE`
-- that was asked for (temp table wanted): parameters, workload, scenario, seed, rng_run.
--   fitting         all such runs
--   chosen          for latency and cpu-saving, one row per configuration of workload rpc: load_no counts the loads from
--                   0, arm_no is 0 host, 1 chimney.  Closed loops (load 0) only where there is nothing else
--   chosen_run      one row per run
--   strip           the binding resource along the sizes, equal neighbours joined
--   chosen_storm    the newest run with a timeline
--   storm_window    which part of it: wanted `from` and `to`, in ps
--   chosen_silence  the runs with silences, and which line of the figure each belongs to: value_no counts the values of
--                   the parameter in which they differ besides `offload`
CREATE TEMP TABLE IF NOT EXISTS wanted(name TEXT NOT NULL, txt TEXT NOT NULL);

CREATE TEMP TABLE fitting AS
  WITH epoch AS (SELECT max(model_epoch) AS newest FROM run WHERE status = 'done')
  SELECT r.run_id, r.config_id, r.rng_seed, r.rng_run, s.name AS scenario, r.result_sha256 AS digest
  FROM epoch JOIN run r ON r.model_epoch = newest AND r.status = 'done' JOIN config c USING(config_id)
       JOIN scenario s USING(scenario_id)
  WHERE NOT EXISTS (SELECT 1 FROM wanted a WHERE NOT
          CASE a.name WHEN 'seed' THEN a.txt = CAST(r.rng_seed AS TEXT) WHEN 'rng_run' THEN a.txt = CAST(r.rng_run AS TEXT)
               WHEN 'scenario' THEN a.txt = s.name WHEN 'from' THEN 1 WHEN 'to' THEN 1
               ELSE EXISTS (SELECT 1 FROM config_param p WHERE p.config_id = r.config_id AND p.name = a.name AND p.txt = a.txt)
          END);
CREATE INDEX temp.fitting_config ON fitting(config_id);
CREATE INDEX temp.fitting_digest ON fitting(digest);

CREATE TEMP TABLE chosen AS
  SELECT c.config_id, c.pair_hash, o.txt AS arm, o.txt = 'chimney' AS arm_no,
         l.num AS load, l.txt AS load_txt, dense_rank() OVER (ORDER BY l.num) - 1 AS load_no,
         i.num AS io_size, i.txt AS io_txt
  FROM config c
       JOIN config_param o ON o.config_id = c.config_id AND o.name = 'offload'
       JOIN config_param l ON l.config_id = c.config_id AND l.name = 'load'
       JOIN config_param i ON i.config_id = c.config_id AND i.name = 'io_size'
       JOIN config_param w ON w.config_id = c.config_id AND w.name = 'workload' AND w.txt = 'rpc'
  WHERE (l.num > 0 OR NOT EXISTS (SELECT 1 FROM config_param x WHERE x.name = 'load' AND x.num > 0))
    AND EXISTS (SELECT 1 FROM fitting f WHERE f.config_id = c.config_id);

CREATE TEMP TABLE chosen_run AS
  SELECT run_id, config_id, rng_seed, rng_run, arm_no, load_no, io_size FROM chosen JOIN fitting USING(config_id);

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

CREATE TEMP TABLE sampled AS
  SELECT * FROM fitting f WHERE EXISTS (SELECT 1 FROM series s WHERE s.run_id = f.run_id);

CREATE TEMP TABLE chosen_storm AS SELECT run_id, config_id, rng_seed, rng_run, scenario FROM sampled ORDER BY run_id DESC LIMIT 1;

CREATE TEMP TABLE storm_window AS
  SELECT ifnull((SELECT CAST(txt AS INTEGER) FROM wanted WHERE name = 'from'), 0) AS from_ps,
         ifnull((SELECT CAST(txt AS INTEGER) FROM wanted WHERE name = 'to'), 9223372036854775807) AS to_ps;

-- A run that was made once with a timeline and once without counts once.
CREATE TEMP TABLE silent AS
  SELECT f.* FROM fitting f WHERE EXISTS
    (SELECT 1 FROM hist h JOIN metric m USING(metric_id) WHERE h.run_id = f.run_id AND m.name = 'silence' AND h.entity = '')
  AND NOT EXISTS (SELECT 1 FROM fitting g WHERE g.digest = f.digest AND g.run_id < f.run_id
    AND g.rng_seed = f.rng_seed AND g.rng_run = f.rng_run AND NOT EXISTS
      (SELECT 1 FROM config_param a JOIN config_param b USING(name) WHERE a.config_id = f.config_id
       AND b.config_id = g.config_id AND a.txt <> b.txt AND name NOT IN ('sample', 'sample_from')));

-- In what they differ.  How a run was watched is no difference; the digest of a profile is one only under equal names.
CREATE TEMP TABLE silent_differ AS
  SELECT name, count(DISTINCT txt) AS n, min(txt) AS least, group_concat(DISTINCT txt) AS txts FROM config_param
  WHERE config_id IN (SELECT config_id FROM silent) AND name NOT IN ('sample', 'sample_from')
  GROUP BY name HAVING n > 1;
DELETE FROM silent_differ WHERE name IN ('profile_sha256', 'peer_profile_sha256')
  AND substr(name, 1, length(name) - 7) IN (SELECT name FROM silent_differ);

CREATE TEMP TABLE chosen_silence AS
  WITH other(name) AS (SELECT min(name) FROM silent_differ WHERE name <> 'offload')
  SELECT s.run_id, s.config_id, s.rng_seed, o.txt AS arm, o.txt = 'chimney' AS arm_no,
         ifnull(other.name, '') AS param, ifnull(v.txt, '') AS value, dense_rank() OVER (ORDER BY v.num, v.txt) - 1 AS value_no
  FROM silent s CROSS JOIN other
       JOIN config_param o ON o.config_id = s.config_id AND o.name = 'offload'
       LEFT JOIN config_param v ON v.config_id = s.config_id AND v.name = other.name;
