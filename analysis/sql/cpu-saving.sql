-- Server host cycles per byte that offload saves, in percent of the host arm: 100 (host - chimney) / host, run by run
-- with equal seed and rng_run; mean and 95 % interval of the pairs (Student's t, three pairs at least).
-- saving: the measured window.  with_handover: the chimney arm also pays for the hand-over of the whole run, on the
-- bytes of the window; what the window already contains of it counts once.
WITH facts AS (
  SELECT r.run_id, r.config_id, r.rng_seed, r.rng_run, r.load_no, r.arm_no, r.io_size,
         max(CASE WHEN m.name = 'cpu.cycles_per_byte' AND x.entity = '' THEN x.value END) AS per_byte,
         max(CASE WHEN m.name = 'cpu.handover' AND x.entity = '' THEN x.value END) AS handover,
         max(CASE WHEN m.name = 'cpu.cycles' AND x.entity = 'offload control' THEN x.value END) AS inside,
         max(CASE WHEN m.name = 'bytes.window' AND x.entity = '' THEN x.value END) AS bytes
  FROM chosen_run r JOIN scalar x USING(run_id) JOIN metric m USING(metric_id) GROUP BY r.run_id),
pairs AS (
  SELECT h.load_no, h.io_size,
         100 * (h.per_byte - c.per_byte) / h.per_byte AS steady,
         100 * (h.per_byte - c.per_byte - max(ifnull(c.handover, 0) - ifnull(c.inside, 0), 0) / c.bytes) / h.per_byte
           AS entire
  FROM facts h JOIN chosen hc ON hc.config_id = h.config_id
       JOIN chosen cc ON cc.pair_hash = hc.pair_hash AND cc.arm_no = 1
       JOIN facts c ON c.config_id = cc.config_id AND c.rng_seed = h.rng_seed AND c.rng_run = h.rng_run
  WHERE h.arm_no = 0 AND h.per_byte > 0 AND c.per_byte IS NOT NULL AND c.bytes > 0),
centred AS (
  SELECT *, avg(steady) OVER points AS steady_mean, avg(entire) OVER points AS entire_mean, count(*) OVER points AS n
  FROM pairs WINDOW points AS (PARTITION BY load_no, io_size)),
spread AS (
  SELECT load_no, io_size, n, steady_mean, entire_mean, n - 1.0 AS df,
         CASE WHEN n >= 3 THEN sqrt(sum((steady - steady_mean) * (steady - steady_mean)) / (n - 1)) / sqrt(n) END AS steady_error,
         CASE WHEN n >= 3 THEN sqrt(sum((entire - entire_mean) * (entire - entire_mean)) / (n - 1)) / sqrt(n) END AS entire_error
  FROM centred GROUP BY load_no, io_size),
sized AS (
  SELECT *, ifnull((SELECT t FROM t95 WHERE t95.df = spread.df), 1.959964 + 2.372 / df + 2.823 / (df * df)) AS t FROM spread)
SELECT s.load_no, c.load_txt, s.io_size,
       steady_mean AS saving_pct, steady_mean - t * steady_error AS saving_lo_pct, steady_mean + t * steady_error AS saving_hi_pct,
       entire_mean AS with_handover_pct, entire_mean - t * entire_error AS with_handover_lo_pct,
       entire_mean + t * entire_error AS with_handover_hi_pct, n AS pairs
FROM sized s JOIN (SELECT DISTINCT load_no, load_txt FROM chosen) c USING(load_no)
ORDER BY s.load_no, s.io_size;

-- The binding resource: rows of the strip.
SELECT load_no, arm_no, x_from, x_to, code, mixed, cells, ifnull(name, '?') AS name, ifnull(short, '?') AS short
FROM strip LEFT JOIN resource USING(code) ORDER BY load_no, arm_no, x_from;
