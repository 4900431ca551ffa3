-- Request latency against the size of a response.  A quantile is the highest value of the bin its rank falls in, and is
-- told only if at least 10 samples lie above that rank.  p50 and p99 are pooled over the seeds; *_lo and *_hi are the
-- 95 % interval of the seeds' own quantiles (Student's t, three seeds at least).
WITH bins AS (
  SELECT r.run_id, load_no, arm_no, io_size, b.lo, b.hi, b.n
  FROM chosen_run r JOIN hist_bin b USING(run_id) JOIN metric USING(metric_id)
  WHERE metric.name = 'lat' AND entity = ''),
asked(p) AS (VALUES (50), (99)),
pooled AS (
  SELECT load_no, arm_no, io_size, lo, hi,
         sum(sum(n)) OVER (PARTITION BY load_no, arm_no, io_size ORDER BY lo) AS upto,
         sum(sum(n)) OVER (PARTITION BY load_no, arm_no, io_size) AS total
  FROM bins GROUP BY load_no, arm_no, io_size, lo, hi),
pooled_at AS (
  SELECT load_no, arm_no, io_size, p, min(hi) AS value
  FROM pooled, asked
  WHERE upto >= (total * p + 99) / 100 AND total - (total * p + 99) / 100 >= 10
  GROUP BY load_no, arm_no, io_size, p),
seeded AS (
  SELECT run_id, load_no, arm_no, io_size, hi,
         sum(n) OVER (PARTITION BY run_id ORDER BY lo) AS upto,
         sum(n) OVER (PARTITION BY run_id) AS total
  FROM bins),
seeded_at AS (
  SELECT run_id, load_no, arm_no, io_size, p, min(hi) AS value
  FROM seeded, asked
  WHERE upto >= (total * p + 99) / 100 AND total - (total * p + 99) / 100 >= 10
  GROUP BY run_id, load_no, arm_no, io_size, p),
centred AS (
  SELECT *, avg(value) OVER points AS mean, count(*) OVER points AS seeds, min(value) OVER points AS least
  FROM seeded_at WINDOW points AS (PARTITION BY load_no, arm_no, io_size, p)),
spread AS (
  SELECT load_no, arm_no, io_size, p, seeds, mean, least,
         sqrt(sum((value - mean) * (value - mean)) / (seeds - 1)) / sqrt(seeds) AS error, seeds - 1.0 AS df
  FROM centred WHERE seeds >= 3 GROUP BY load_no, arm_no, io_size, p),
interval AS (
  SELECT *, error * ifnull((SELECT t FROM t95 WHERE t95.df = spread.df), 1.959964 + 2.372 / df + 2.823 / (df * df)) AS half
  FROM spread)
SELECT c.load_no, c.load_txt, c.arm_no, c.arm, c.io_size,
       a.value / 1e6 AS p50_us,
       max(i.mean - i.half, i.least / 2.0) / 1e6 AS p50_lo_us, (i.mean + i.half) / 1e6 AS p50_hi_us,
       z.value / 1e6 AS p99_us,
       max(j.mean - j.half, j.least / 2.0) / 1e6 AS p99_lo_us, (j.mean + j.half) / 1e6 AS p99_hi_us,
       (SELECT sum(n) FROM bins b WHERE b.load_no = c.load_no AND b.arm_no = c.arm_no AND b.io_size = c.io_size) AS samples,
       (SELECT count(*) FROM chosen_run r WHERE r.config_id = c.config_id) AS seeds
FROM chosen c
     LEFT JOIN pooled_at a ON (a.load_no, a.arm_no, a.io_size, a.p) = (c.load_no, c.arm_no, c.io_size, 50)
     LEFT JOIN pooled_at z ON (z.load_no, z.arm_no, z.io_size, z.p) = (c.load_no, c.arm_no, c.io_size, 99)
     LEFT JOIN interval i ON (i.load_no, i.arm_no, i.io_size, i.p) = (c.load_no, c.arm_no, c.io_size, 50)
     LEFT JOIN interval j ON (j.load_no, j.arm_no, j.io_size, j.p) = (c.load_no, c.arm_no, c.io_size, 99)
ORDER BY c.load_no, c.arm_no, c.io_size;

-- The binding resource: rows of the strip.
SELECT load_no, arm_no, x_from, x_to, code, mixed, cells, ifnull(name, '?') AS name, ifnull(short, '?') AS short
FROM strip LEFT JOIN resource USING(code) ORDER BY load_no, arm_no, x_from;
