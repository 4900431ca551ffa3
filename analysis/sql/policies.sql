-- Policies against each other, over the contexts that the adapter has for each connection: host cycles per byte of the
-- measured window, the hand-overs of the whole run included (what the window contains of them counts once), mean over
-- seeds; and p99 of request latency, pooled over seeds, where at least 10 samples lie above.  *_lo and *_hi: 95 %
-- interval of the seeds' own values (Student's t, three seeds at least).
-- policy_no: 0 random and 1 oracle, the bounds; then the others by name, never last.
WITH named AS (
  SELECT c.config_id, 1.0 * cap.num / con.num AS ratio,
         ifnull((SELECT txt FROM config_param x WHERE x.config_id = c.config_id AND x.name = 'policy_plugin'), p.txt) AS policy
  FROM chosen c JOIN config_param p ON p.config_id = c.config_id AND p.name = 'policy'
       JOIN config_param cap ON cap.config_id = c.config_id AND cap.name = 'capacity'
       JOIN config_param con ON con.config_id = c.config_id AND con.name = 'connections'
  WHERE c.arm_no = 1),
placed AS (
  SELECT policy, row_number() OVER (ORDER BY policy <> 'random', policy <> 'oracle', policy = 'never', policy) - 1 AS policy_no
  FROM (SELECT DISTINCT policy FROM named)),
runs AS (
  SELECT r.run_id, policy_no, policy, ratio FROM chosen_run r JOIN named USING(config_id) JOIN placed USING(policy)),
facts AS (
  SELECT r.run_id, policy_no, policy, ratio,
         max(CASE WHEN m.name = 'cpu.cycles_per_byte' AND x.entity = '' THEN x.value END) AS per_byte,
         max(CASE WHEN m.name = 'cpu.handover' AND x.entity = '' THEN x.value END) AS handover,
         max(CASE WHEN m.name = 'cpu.cycles' AND x.entity = 'offload control' THEN x.value END) AS inside,
         max(CASE WHEN m.name = 'bytes.window' AND x.entity = '' THEN x.value END) AS bytes
  FROM runs r JOIN scalar x USING(run_id) JOIN metric m USING(metric_id) GROUP BY r.run_id),
bins AS (
  SELECT r.run_id, policy_no, ratio, b.lo, b.hi, b.n FROM runs r JOIN hist_bin b USING(run_id) JOIN metric USING(metric_id)
  WHERE metric.name = 'lat' AND entity = ''),
pooled AS (
  SELECT policy_no, ratio, hi, sum(sum(n)) OVER (PARTITION BY policy_no, ratio ORDER BY lo) AS upto,
         sum(sum(n)) OVER (PARTITION BY policy_no, ratio) AS total
  FROM bins GROUP BY policy_no, ratio, lo, hi),
pooled_at AS (
  SELECT policy_no, ratio, min(hi) / 1e6 AS p99_us FROM pooled
  WHERE upto >= (total * 99 + 99) / 100 AND total - (total * 99 + 99) / 100 >= 10 GROUP BY 1, 2),
seeded AS (
  SELECT run_id, hi, sum(n) OVER (PARTITION BY run_id ORDER BY lo) AS upto, sum(n) OVER (PARTITION BY run_id) AS total FROM bins),
seeded_at AS (
  SELECT run_id, min(hi) / 1e6 AS p99 FROM seeded
  WHERE upto >= (total * 99 + 99) / 100 AND total - (total * 99 + 99) / 100 >= 10 GROUP BY 1),
each AS (
  SELECT policy_no, policy, ratio, p99,
         per_byte + max(ifnull(handover, 0) - ifnull(inside, 0), 0) / bytes AS entire
  FROM facts LEFT JOIN seeded_at USING(run_id) WHERE bytes > 0 AND per_byte IS NOT NULL),
centred AS (
  SELECT *, avg(entire) OVER points AS entire_mean, avg(p99) OVER points AS p99_mean, count(*) OVER points AS n,
         count(p99) OVER points AS p99_n
  FROM each WINDOW points AS (PARTITION BY policy_no, ratio)),
spread AS (
  SELECT policy_no, policy, ratio, n, n - 1.0 AS df, entire_mean, p99_mean,
         CASE WHEN n >= 3 THEN sqrt(sum((entire - entire_mean) * (entire - entire_mean)) / (n - 1)) / sqrt(n) END AS entire_error,
         CASE WHEN p99_n = n AND n >= 3 THEN sqrt(sum((p99 - p99_mean) * (p99 - p99_mean)) / (n - 1)) / sqrt(n) END AS p99_error
  FROM centred GROUP BY policy_no, ratio),
sized AS (
  SELECT *, ifnull((SELECT t FROM t95 WHERE t95.df = spread.df), 1.959964 + 2.372 / df + 2.823 / (df * df)) AS t FROM spread)
SELECT policy_no, policy, ratio, entire_mean AS cycles_per_byte, entire_mean - t * entire_error AS cycles_lo,
       entire_mean + t * entire_error AS cycles_hi, p99_us, p99_mean - t * p99_error AS p99_lo_us,
       p99_mean + t * p99_error AS p99_hi_us, n AS runs,
       max(CASE policy_no WHEN 0 THEN entire_mean END) OVER same AS random_cycles,
       max(CASE policy_no WHEN 1 THEN entire_mean END) OVER same AS oracle_cycles,
       max(CASE policy_no WHEN 0 THEN p99_us END) OVER same AS random_p99_us,
       max(CASE policy_no WHEN 1 THEN p99_us END) OVER same AS oracle_p99_us
FROM sized LEFT JOIN pooled_at USING(policy_no, ratio) WINDOW same AS (PARTITION BY ratio) ORDER BY policy_no, ratio;
