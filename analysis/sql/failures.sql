-- Runs that did not end well, the latest first, with what they said last.
SELECT uid, s.name AS scenario, rng_seed, rng_run, status, exit_code, term_signal, started_utc, argv, stderr_tail
FROM run JOIN config USING(config_id) JOIN scenario s USING(scenario_id) WHERE status <> 'done' ORDER BY run_id DESC;
