-- One run over time.  At most 320 steps: of more samples, several become one.  A step has two rows, at its beginning and at
-- its end.  holders: mean over the samples of the step; goodput_bps, cpu_*: means over its time, cpu in percent of the
-- server's core; retransmits, timeouts: in the step.
WITH times AS (
  SELECT t_ps, lag(t_ps) OVER (ORDER BY t_ps) AS before, row_number() OVER (ORDER BY t_ps) - 2 AS place, count(*) OVER () - 1 AS n
  FROM chosen_storm JOIN series USING(run_id) JOIN metric m USING(metric_id), storm_window
  WHERE m.name = 'series.holders' AND entity = 'host' AND t_ps BETWEEN from_ps AND to_ps),
steps AS (
  SELECT t_ps, t_ps - before AS width, before, place / ((n + 319) / 320) AS step FROM times WHERE place >= 0),
spans AS (SELECT step, min(before) AS t_from, max(t_ps) AS t_to, 1.0 * (max(t_ps) - min(before)) AS width FROM steps GROUP BY step),
sums AS (
  SELECT step, m.name AS metric, entity, avg(value) AS mean, sum(value) AS total, sum(value * steps.width) AS weighted
  FROM chosen_storm JOIN series USING(run_id) JOIN metric m USING(metric_id) JOIN steps USING(t_ps)
  GROUP BY step, m.name, entity),
edges(late) AS (VALUES (0), (1))
SELECT CASE WHEN late THEN t_to ELSE t_from END / 1e12 AS t_s,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'target' THEN mean END), 0) AS target,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'offered' THEN mean END), 0) AS offered,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'giving back' THEN mean END), 0) AS giving_back,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'host' THEN mean END), 0) AS host,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'lost' THEN mean END), 0) AS lost,
       ifnull(max(CASE WHEN metric = 'series.holders' AND entity = 'closed' THEN mean END), 0) AS closed,
       max(CASE WHEN metric = 'series.goodput' THEN weighted END) / width AS goodput_bps,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'offload control' THEN total END), 0) / width AS cpu_offload_control,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'application' THEN total END), 0) / width AS cpu_application,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'system call' THEN total END), 0) / width AS cpu_system_call,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'copy' THEN total END), 0) / width AS cpu_copy,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'checksum' THEN total END), 0) / width AS cpu_checksum,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'TCP/IP' THEN total END), 0) / width AS cpu_tcpip,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'driver' THEN total END), 0) / width AS cpu_driver,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'interrupt' THEN total END), 0) / width AS cpu_interrupt,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'scheduling' THEN total END), 0) / width AS cpu_scheduling,
       100 * ifnull(max(CASE WHEN metric = 'series.cpu' AND entity = 'other' THEN total END), 0) / width AS cpu_other,
       max(CASE WHEN metric = 'series.retransmits' THEN total END) AS retransmits,
       max(CASE WHEN metric = 'series.timeouts' THEN total END) AS timeouts
FROM sums JOIN spans USING(step), edges GROUP BY step, late ORDER BY step, late;

-- What was scheduled.
SELECT at_ps / 1e12 AS at_s, effect, ord, substr(what, instr(what, ' ') + 1) AS what
FROM chosen_storm JOIN event USING(run_id) ORDER BY at_ps, ord;
