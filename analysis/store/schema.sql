-- The results database of Flue, user_version 1.  Needs SQLite 3.37 or later (STRICT tables).
-- Times are picoseconds (_ps); seconds and KiB describe the machine that ran, never the simulation.
-- The tables metric and param are filled from metrics.def and params.def by the program.

PRAGMA application_id = 0x464C5545;
PRAGMA user_version = 1;
PRAGMA foreign_keys = ON;

-- The program that made a run.
CREATE TABLE build(
  build_id INTEGER PRIMARY KEY,
  build_hash TEXT NOT NULL UNIQUE,
  flue_version TEXT NOT NULL,
  model_epoch INTEGER NOT NULL,      -- runs of different epochs are never mixed
  git_rev TEXT, git_dirty INTEGER,
  ns3_version TEXT NOT NULL,         -- '' without ns-3
  compiler TEXT, cflags TEXT, sqlite_version TEXT) STRICT;

-- A scenario file as it was read.
CREATE TABLE scenario(
  scenario_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL) STRICT;

CREATE TABLE sweep(
  sweep_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  text TEXT NOT NULL,
  created_utc TEXT NOT NULL,
  UNIQUE(name, sha256)) STRICT;

-- One set of parameters, every default filled in.
CREATE TABLE config(
  config_id INTEGER PRIMARY KEY,
  scenario_id INTEGER NOT NULL REFERENCES scenario,
  config_hash TEXT NOT NULL UNIQUE,  -- of all parameters
  pair_hash TEXT NOT NULL,           -- of all but `offload`: equal for the two arms of a comparison
  params TEXT NOT NULL CHECK(json_valid(params))) STRICT;
CREATE INDEX config_pair ON config(pair_hash);

CREATE TABLE config_param(
  config_id INTEGER NOT NULL REFERENCES config ON DELETE CASCADE,
  name TEXT NOT NULL,
  num INTEGER,                       -- in `unit`; NULL for a text
  txt TEXT NOT NULL,                 -- as a person writes it: 64KiB
  unit TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(config_id, name)) STRICT, WITHOUT ROWID;
CREATE INDEX config_param_name ON config_param(name, txt);

CREATE TABLE sweep_point(
  sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
  ord INTEGER NOT NULL,
  config_id INTEGER NOT NULL REFERENCES config,
  pair_id INTEGER, arm TEXT,         -- pair_on of the sweep file: points of one pair_id differ only in arm
  PRIMARY KEY(sweep_id, ord)) STRICT, WITHOUT ROWID;
CREATE INDEX sweep_point_pair ON sweep_point(sweep_id, pair_id, arm);

CREATE TABLE run(
  run_id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL UNIQUE,
  config_id INTEGER NOT NULL REFERENCES config,
  build_id INTEGER NOT NULL REFERENCES build,
  model_epoch INTEGER NOT NULL,
  rng_seed INTEGER NOT NULL, rng_run INTEGER NOT NULL,
  net TEXT NOT NULL,                 -- link or ns3: not part of the configuration
  status TEXT NOT NULL CHECK(status IN ('done', 'failed', 'timeout', 'crashed', 'killed')),
  exit_code INTEGER, term_signal INTEGER,
  attempt INTEGER NOT NULL DEFAULT 1,
  host TEXT, argv TEXT, started_utc TEXT,
  wall_s REAL, cpu_s REAL, max_rss_kib INTEGER,
  sim_end_ps INTEGER, events INTEGER,
  result_sha256 TEXT,                -- the digest: equal for equal runs on every machine
  evidence TEXT NOT NULL DEFAULT '', -- which costs of the profile are measured, unverified, assumed
  stderr_tail TEXT) STRICT;
-- A run is done once; failures may repeat.
CREATE UNIQUE INDEX run_done ON run(config_id, rng_seed, rng_run, model_epoch) WHERE status = 'done';
CREATE INDEX run_config ON run(config_id, status);

-- What the audit at the end of a run found wrong.
CREATE TABLE finding(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  ord INTEGER NOT NULL,
  sentence TEXT NOT NULL,
  PRIMARY KEY(run_id, ord)) STRICT, WITHOUT ROWID;

-- How often each party broke a rule of the interface, where the run was checked (--check): CH-001 is rule 1.
-- A database without this table gets it when it is opened for writing.
CREATE TABLE IF NOT EXISTS finding_count(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  rule INTEGER NOT NULL,
  party TEXT NOT NULL,
  count INTEGER NOT NULL CHECK(count > 0),
  PRIMARY KEY(run_id, rule, party)) STRICT, WITHOUT ROWID;

CREATE TABLE metric(
  metric_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  unit TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('counter', 'gauge', 'mean', 'ratio', 'hist', 'series')),
  better TEXT NOT NULL DEFAULT 'none' CHECK(better IN ('low', 'high', 'none')),
  title TEXT NOT NULL,
  doc TEXT,
  spec_ref TEXT) STRICT;

CREATE TABLE param(
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  initial TEXT NOT NULL, minimum TEXT NOT NULL, maximum TEXT NOT NULL,
  unit TEXT NOT NULL,
  topic TEXT NOT NULL,
  help TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Values of the metric `binding`.
CREATE TABLE resource(code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, short TEXT NOT NULL) STRICT;
INSERT INTO resource VALUES
  (1, 'host core', 'core'), (2, 'engine', 'eng.'), (3, 'contexts', 'ctx'), (4, 'PCIe', 'PCIe'),
  (5, 'wire', 'wire'), (6, 'window', 'win.'), (7, 'offered load', 'load'),
  -- 70 + code: the offered load binds, and this resource is the busiest: it would bind next
  (71, 'offered load; busiest: host core', 'load/core'), (72, 'offered load; busiest: engine', 'load/eng.'),
  (74, 'offered load; busiest: PCIe', 'load/PCIe'), (75, 'offered load; busiest: wire', 'load/wire');

-- Quantile 0.975 of Student's t for df degrees of freedom; beyond 30 the expansion
-- 1.959964 + 2.372/df + 2.823/df^2 is good to 0.001.
CREATE TABLE t95(df INTEGER PRIMARY KEY, t REAL NOT NULL) STRICT;
INSERT INTO t95 VALUES
  (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365), (8, 2.306), (9, 2.262),
  (10, 2.228), (11, 2.201), (12, 2.179), (13, 2.160), (14, 2.145), (15, 2.131), (16, 2.120), (17, 2.110), (18, 2.101),
  (19, 2.093), (20, 2.086), (21, 2.080), (22, 2.074), (23, 2.069), (24, 2.064), (25, 2.060), (26, 2.056), (27, 2.052),
  (28, 2.048), (29, 2.045), (30, 2.042);

CREATE TABLE scalar(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  metric_id INTEGER NOT NULL REFERENCES metric,
  entity TEXT NOT NULL DEFAULT '',
  num INTEGER NOT NULL, den INTEGER NOT NULL,
  value REAL,                        -- num / den; NULL if den is 0
  PRIMARY KEY(run_id, metric_id, entity)) STRICT, WITHOUT ROWID;
CREATE INDEX scalar_metric ON scalar(metric_id, run_id);

-- What the bins of a histogram say: min is the lowest value of the first bin, max the highest of the last, a quantile
-- the highest value of the bin that its rank falls in; the mean takes the middle of each bin.
CREATE TABLE hist(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  metric_id INTEGER NOT NULL REFERENCES metric,
  entity TEXT NOT NULL DEFAULT '',
  n INTEGER NOT NULL,
  min INTEGER, max INTEGER, mean REAL, sd REAL, p50 INTEGER, p90 INTEGER, p99 INTEGER, p999 INTEGER,
  PRIMARY KEY(run_id, metric_id, entity)) STRICT, WITHOUT ROWID;

CREATE TABLE hist_bin(
  run_id INTEGER NOT NULL, metric_id INTEGER NOT NULL, entity TEXT NOT NULL,
  lo INTEGER NOT NULL, hi INTEGER NOT NULL, -- both inclusive
  n INTEGER NOT NULL CHECK(n > 0),
  PRIMARY KEY(run_id, metric_id, entity, lo),
  FOREIGN KEY(run_id, metric_id, entity) REFERENCES hist ON DELETE CASCADE) STRICT, WITHOUT ROWID;

-- The timeline of a run (parameter `sample`), metrics of kind series.  All series of a run have the same times; what
-- counts since the sample before is 0 in the first.
CREATE TABLE series(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  metric_id INTEGER NOT NULL REFERENCES metric,
  entity TEXT NOT NULL,
  t_ps INTEGER NOT NULL,
  value REAL,
  PRIMARY KEY(run_id, metric_id, entity, t_ps)) STRICT, WITHOUT ROWID;

-- What was scheduled in a run, in the order of the schedule, once it was over; effect 0: it did not come to pass, or
-- found nothing to act on.  A database without this table gets it when it is opened for writing.
CREATE TABLE IF NOT EXISTS event(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  ord INTEGER NOT NULL,
  at_ps INTEGER NOT NULL,
  what TEXT NOT NULL,
  effect INTEGER NOT NULL CHECK(effect IN (0, 1)),
  PRIMARY KEY(run_id, ord)) STRICT, WITHOUT ROWID;

CREATE TABLE artifact(
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  kind TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY(run_id, kind, path)) STRICT, WITHOUT ROWID;

-- Over the seeds of one configuration and epoch; kept up to date inside each run's own transaction.
CREATE TABLE summary(
  config_id INTEGER NOT NULL REFERENCES config ON DELETE CASCADE,
  model_epoch INTEGER NOT NULL,
  metric_id INTEGER NOT NULL REFERENCES metric,
  entity TEXT NOT NULL,
  n INTEGER NOT NULL,
  mean REAL, sd REAL, ci95 REAL,     -- sd from n = 2 on, ci95 (half-width) from n = 3 on
  median REAL, min REAL, max REAL,
  PRIMARY KEY(config_id, model_epoch, metric_id, entity)) STRICT, WITHOUT ROWID;

CREATE VIEW v_scalar AS
  SELECT s.name AS scenario, c.config_id, c.config_hash, c.params, r.run_id, r.model_epoch, r.rng_seed, r.rng_run,
         m.name AS metric, m.unit, x.entity, x.num, x.den, x.value
  FROM scalar x JOIN metric m USING(metric_id) JOIN run r USING(run_id) JOIN config c USING(config_id)
       JOIN scenario s USING(scenario_id)
  WHERE r.status = 'done';

CREATE VIEW v_hist AS
  SELECT s.name AS scenario, c.config_id, c.config_hash, c.params, r.run_id, r.model_epoch, r.rng_seed, r.rng_run,
         m.name AS metric, m.unit, h.entity, h.n, h.min, h.max, h.mean, h.sd, h.p50, h.p90, h.p99, h.p999
  FROM hist h JOIN metric m USING(metric_id) JOIN run r USING(run_id) JOIN config c USING(config_id)
       JOIN scenario s USING(scenario_id)
  WHERE r.status = 'done';
