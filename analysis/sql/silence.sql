-- How many connections were never silent for longer: of each line of the figure, the seeds pooled, the share of connections
-- whose longest silence is at most silence_us (the highest value of its bin).  A line begins with 0 % at its
-- least bin and ends where the longest of all ends; each step has two rows, its foot and its top.
WITH bins AS (
  SELECT value_no, arm_no, b.lo, b.hi, sum(b.n) AS n
  FROM chosen_silence c JOIN hist_bin b USING(run_id) JOIN metric USING(metric_id)
  WHERE metric.name = 'silence' AND b.entity = '' GROUP BY value_no, arm_no, b.lo, b.hi),
lines AS (
  SELECT value_no, arm_no, param, value, arm, count(*) AS seeds FROM chosen_silence GROUP BY value_no, arm_no),
points AS (
  SELECT value_no, arm_no, hi, sum(n) OVER line AS upto, sum(n) OVER (PARTITION BY value_no, arm_no) AS total FROM bins
  WINDOW line AS (PARTITION BY value_no, arm_no ORDER BY lo)
  UNION ALL
  SELECT value_no, arm_no, min(lo), 0, sum(n) FROM bins GROUP BY value_no, arm_no
  UNION ALL
  SELECT value_no, arm_no, (SELECT max(hi) FROM bins), sum(n), sum(n) FROM bins b GROUP BY value_no, arm_no
  HAVING max(hi) < (SELECT max(hi) FROM bins)),
steps AS (SELECT *, ifnull(lag(upto) OVER (PARTITION BY value_no, arm_no ORDER BY hi, upto), 0) AS before FROM points),
edges(late) AS (VALUES (0), (1))
SELECT value_no, arm_no, max(hi, 1) / 1e6 AS silence_us, 100.0 * CASE WHEN late THEN upto ELSE before END / total AS share_pct,
       total AS connections, seeds, param, value, arm
FROM steps JOIN lines USING(value_no, arm_no), edges ORDER BY value_no, arm_no, hi, upto, late;
