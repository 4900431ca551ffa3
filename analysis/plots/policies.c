/* SPDX-License-Identifier: GPL-2.0-only */
/* The figure policies: that the runs are of one world, that the bounds are there; its tics, names and caption. */
#include "plots/policies.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "plots/facts.h"
#include "store/store.h"

#define CAPTION_LINES 8

/* Runs of the offload arm, by policy and by capacity for each connection. */
#define NAMED                                                                                                          \
    "WITH named AS (SELECT c.config_id, 1.0 * cap.num / con.num AS ratio, cap.txt AS cap, con.txt AS con, "            \
    "ifnull((SELECT txt FROM config_param x WHERE x.config_id = c.config_id AND x.name = 'policy_plugin'), p.txt) "    \
    "AS policy FROM chosen c JOIN config_param p ON p.config_id = c.config_id AND p.name = 'policy' "                  \
    "JOIN config_param cap ON cap.config_id = c.config_id AND cap.name = 'capacity' "                                  \
    "JOIN config_param con ON con.config_id = c.config_id AND con.name = 'connections' WHERE c.arm_no = 1) "

/* Each is a text if something is wrong. */
static const char *const complaints[] = {
    "SELECT 'has no finished rpc runs with offload=chimney to draw; flue sweep run policies makes some' "
    "WHERE NOT EXISTS (SELECT 1 FROM chosen WHERE arm_no = 1)",
    NAMED
    ", bound(policy) AS (VALUES ('random'), ('oracle')), "
    "missing AS (SELECT 'policy=' || b.policy || ' capacity=' || n.cap || ' connections=' || n.con AS words "
    "FROM bound b, named n WHERE NOT EXISTS (SELECT 1 FROM named m WHERE m.policy = b.policy AND m.ratio = n.ratio) "
    "GROUP BY b.policy, n.ratio ORDER BY b.policy, n.ratio) "
    "SELECT 'the bounds are always drawn, and these runs are missing: ' || group_concat(words, ', ') || '; "
    "flue sweep run policies makes a whole set' FROM (SELECT words FROM missing LIMIT 12) HAVING count(*) > 0",
    NAMED "SELECT 'has ' || count(DISTINCT policy) || ' policies, a figure shows at most 8; choose some: --where "
          "policy=NAME' FROM named HAVING count(DISTINCT policy) > 8",
    NAMED
    "SELECT x.name || ' has ' || count(DISTINCT txt) || ' values (' || group_concat(DISTINCT txt) || "
    "'); choose one: --where ' || x.name || '=' || min(txt) FROM config_param x JOIN named USING(config_id) "
    "WHERE x.name NOT IN ('policy', 'policy_plugin', 'capacity', 'connections', 'busy') AND x.name NOT LIKE 'policy_%' "
    "GROUP BY x.name HAVING count(DISTINCT txt) > 1 ORDER BY x.name LIMIT 1",
    NAMED "SELECT x.name || ' differs between runs of policy ' || policy || '; choose one: --where ' || x.name || '=' "
          "|| min(txt) FROM config_param x JOIN named USING(config_id) "
          "WHERE x.name LIKE 'policy_%' AND x.name <> 'policy_plugin' GROUP BY x.name, policy "
          "HAVING count(DISTINCT txt) > 1 ORDER BY x.name LIMIT 1",
};

flue_err policies_check(struct store *store, char *message, size_t room)
{
    for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++) {
        char *text = facts_text(store, complaints[i]);

        if (text != NULL) {
            return facts_refuse(store, text, i < 2 ? FLUE_ENOENT : FLUE_EINVAL, message, room);
        }
    }
    return FLUE_OK;
}

static const char caption_sql[] = NAMED
    ", p(name, txt) AS (SELECT name, max(txt) FROM config_param JOIN named USING(config_id) GROUP BY name),"
    " seeds AS (SELECT min(n) AS least, max(n) AS most FROM (SELECT count(*) AS n FROM chosen_run JOIN named "
    "  USING(config_id) GROUP BY config_id)) "
    "SELECT (SELECT group_concat(con, ' or ') FROM (SELECT DISTINCT con FROM named)) || ' connections' || "
    " CASE (SELECT txt FROM p WHERE name = 'busy') WHEN '0' THEN '' ELSE ', of which ' || "
    "  (SELECT txt FROM p WHERE name = 'busy') || ' get ' || (SELECT txt FROM p WHERE name = 'busy_share') || "
    "  ' of the requests' END || '; responses of ' || (SELECT txt FROM p WHERE name = 'io_size') || ', load ' || "
    " (SELECT txt FROM p WHERE name = 'load') || ', ' || (SELECT txt FROM p WHERE name = 'requests') || "
    " ' requests per run, link ' || (SELECT txt FROM p WHERE name = 'link_rate') || '; server costs: profile ' || "
    " (SELECT txt FROM p WHERE name = 'profile') || '. Policies are asked every ' || "
    " (SELECT txt FROM p WHERE name = 'policy_every') || ', a connection stays at least ' || "
    " (SELECT txt FROM p WHERE name = 'policy_stay') || '. ' || (SELECT least FROM seeds) || "
    " CASE WHEN (SELECT least <> most FROM seeds) THEN ' to ' || (SELECT most FROM seeds) ELSE '' END || "
    " CASE (SELECT most FROM seeds) WHEN 1 THEN ' seed' ELSE ' seeds' END || ' per point.'";

/* "1/16" where it is one; else "0.3". */
static void put_ratio(double ratio, FILE *out)
{
    const double one_in = ratio > 0 ? 1 / ratio : 0;

    if (ratio < 1 && fabs(one_in - floor(one_in + 0.5)) < 1e-9) {
        fprintf(out, "'1/%.0f'", one_in);
    } else {
        fprintf(out, "'%.3g'", ratio);
    }
}

static flue_err write_tics(struct store *store, FILE *out, char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    double first = 0, last = 0;
    int count = 0;

    if (sqlite3_prepare_v2(store_database(store), NAMED "SELECT DISTINCT ratio FROM named WHERE ratio > 0 ORDER BY 1",
                           -1, &s, NULL) != SQLITE_OK) {
        return facts_say(store, message, room);
    }
    fputs("set xtics nomirror (", out);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const double ratio = sqlite3_column_double(s, 0);

        last = log2(ratio);
        first = count == 0 ? last : first;
        fputs(count++ > 0 ? ", " : "", out);
        put_ratio(ratio, out);
        fprintf(out, " %.6f", last);
    }
    sqlite3_finalize(s);
    fprintf(out, ")\nx_lo = %.6f\nx_hi = %.6f\n", first - 0.35, last + 0.35);
    return FLUE_OK;
}

/* In the order of policy_no. */
static flue_err write_names(struct store *store, FILE *out, char *message, size_t room)
{
    char *count = facts_text(store, NAMED "SELECT count(DISTINCT policy) FROM named");
    flue_err err;

    if (count == NULL) {
        return facts_say(store, message, room);
    }
    err = facts_put_array(store, "names", count,
                          sqlite3_mprintf("%s", NAMED "SELECT DISTINCT policy FROM named ORDER BY policy <> 'random', "
                                                      "policy <> 'oracle', policy = 'never', policy"),
                          out, message, room);
    sqlite3_free(count);
    return err;
}

static const char about[] =
    "Shaded: between random, which knows nothing, and the oracle, which knows what is to come. The cycles of all "
    "hand-overs of the run are included. Bars: 95 % interval of the seeds (Student's t, 3 seeds or more); p99 is "
    "pooled over seeds, and shown only where at least 10 samples lie above it.";

flue_err policies_facts(struct store *store, FILE *out, char *message, size_t room)
{
    char *facts = facts_text(store, caption_sql);
    char *caption = facts_caption(store, "chosen_run", facts != NULL ? facts : "", about, "");
    flue_err err = write_names(store, out, message, room);

    err = err == FLUE_OK ? write_tics(store, out, message, room) : err;
    facts_put_captions(caption != NULL ? caption : "", CAPTION_LINES, out);
    sqlite3_free(facts);
    sqlite3_free(caption);
    return err;
}
