/* SPDX-License-Identifier: GPL-2.0-only */
/* Which combinations of parameters cannot be; each is refused with one line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "run/build.h"
#include "run/choices.h"
#include "run/clients_ns3.h"
#include "run/drivers.h"
#include "run/moments.h"
#include "run/possible.h"
#include "wire/impair.h"

#define ADVICE_LEAST_PS (100 * FLUE_PS_PER_US)
#define PREFIX_IPS      2u /* addresses that lead to a node behind the gateways */

static const char *topology_wrong(const struct flue_scenario *scenario)
{
    const int64_t ips = (scenario->connections - 1) / scenario->clients / PORTS_PER_IP + 1;

    if (scenario->clients > scenario->connections)
        return "clients: more clients than connections; lower clients or raise connections";
    if (scenario->clients > 1 && scenario->topology == TOPOLOGY_LINK)
        return "clients: a link has two ends; set topology=switch or topology=gateways for more than one client";
    if (scenario->clients > 1 && scenario->loss_list.text[0] != '\0')
        return "loss_list counts the frames of one client; set clients=1";

    if (scenario->topology == TOPOLOGY_LINK && scenario->vlan != 0)
        return "vlan needs Ethernet frames; set topology=switch or topology=gateways";
    if (scenario->topology == TOPOLOGY_LINK && scenario->source_mac == SWITCH_YES)
        return "source_mac needs Ethernet frames; set topology=switch or topology=gateways";
    if (scenario->topology == TOPOLOGY_LINK && scenario->server_addresses > 1)
        return "server_addresses: a link joins one address to another; set topology=switch or topology=gateways for "
               "more";
    if (scenario->adapters > 1 && (scenario->server_addresses > 1 || scenario->source_mac == SWITCH_YES))
        return "server_addresses and source_mac are of one adapter; set adapters=1";
    if (scenario->topology != TOPOLOGY_GATEWAYS && scenario->gateway_down != FLUE_PS_NEVER)
        return "gateway_down needs gateways; set topology=gateways";
    if (scenario->topology != TOPOLOGY_GATEWAYS && scenario->far_mtu != 0)
        return "far_mtu needs gateways; set topology=gateways";
    if (scenario->far_mtu != 0 && scenario->far_mtu < 576)
        return "far_mtu must be 0, or at least 576 bytes: smaller reports are not believed (RFC 1191)";
    if (scenario->topology == TOPOLOGY_GATEWAYS && ips > PREFIX_IPS)
        return "topology=gateways: at most 100000 connections to a client, for two addresses lead there; raise clients";
    if (scenario->topology == TOPOLOGY_SWITCH && ips > FLUE_HOST_ADDRESSES)
        return "topology=switch: at most 400000 connections to a client, for it has eight addresses; raise clients";
    return NULL;
}

static const char *times_wrong(const struct flue_scenario *scenario)
{
    if (scenario->upload_at != FLUE_PS_NEVER && scenario->offload_at != FLUE_PS_NEVER &&
        scenario->upload_at <= scenario->offload_at)
        return "upload_at must lie after offload_at: nothing can be taken back before it was handed over";
    if (scenario->resume_at != FLUE_PS_NEVER &&
        !(scenario->pause_at < scenario->resume_at || scenario->upload_all_at < scenario->resume_at))
        return "resume_at must lie after pause_at or upload_all_at: nothing else is resumed";
    if (scenario->pause_at != FLUE_PS_NEVER && scenario->resume_at == FLUE_PS_NEVER &&
        scenario->upload_all_at == FLUE_PS_NEVER)
        return "pause_at needs resume_at or upload_all_at: what is being handed over then would wait for ever";
    if (scenario->chimney_on_at != FLUE_PS_NEVER && scenario->chimney_off_at >= scenario->chimney_on_at)
        return "chimney_on_at must lie after chimney_off_at: it is on from the start";
    return NULL;
}

static const char *advice_wrong(const struct flue_scenario *scenario)
{
    if (scenario->advice_window != 0 && scenario->advice_window < ADVICE_LEAST_PS)
        return "advice_window must be 0, or at least 100us: every connection is looked at once in each window, and in "
               "a shorter one nothing happens that could be judged";
    return NULL;
}

/* Before a connection that the adapter orders back can be terminated, an operation that is under way goes down and
 * comes up; then the terminate goes down, through each driver that holds (D-33). */
static flue_err deadline_possible(const struct flue_scenario *scenario, char *message, size_t room)
{
    const flue_ps deadline_ps = (flue_ps)scenario->ddi_upload_deadline_ms * FLUE_PS_PER_MS;
    const flue_ps held_ps = drivers_hold_ps(scenario, 2, 1);

    if (deadline_ps == 0 || held_ps < deadline_ps)
        return FLUE_OK;
    (void)snprintf(message, room,
                   "ddi.upload_deadline_ms=%" PRId64 ": the drivers hold may keep a terminate, and an operation before "
                   "it, for %" PRId64 " us, so the host would be late without fault; raise it, set it to 0, or lower "
                   "hold_down and hold_up",
                   (int64_t)scenario->ddi_upload_deadline_ms, (int64_t)(held_ps / FLUE_PS_PER_US));
    return FLUE_EINVAL;
}

static const char *workload_wrong(const struct flue_scenario *scenario)
{
    if (scenario->workload != FLUE_WORKLOAD_WEB && scenario->think.text[0] != '\0')
        return "think is for web, whose connections have users; leave it out, or use web";
    if (scenario->workload == FLUE_WORKLOAD_WEB && scenario->receive_push == CHOICE_NO && scenario->receive_posts > 0)
        return "receive_push=no cannot be with web: a request that does not fill a receive buffer would wait for ever";
    if (scenario->workload == FLUE_WORKLOAD_WEB && scenario->close_with_data == SWITCH_YES)
        return "close_with_data is for bulk: with web the client closes, and then nothing is under way";
    if (scenario->workload == FLUE_WORKLOAD_RPC && scenario->receive_push == CHOICE_NO && scenario->receive_posts > 0)
        return "receive_push=no cannot be with rpc: a request that does not fill a receive buffer would wait for ever";
    if (scenario->workload == FLUE_WORKLOAD_RPC && scenario->close_with_data == SWITCH_YES)
        return "close_with_data is for bulk: with rpc nothing is under way when connections close";
    return NULL;
}

/* What only Flue's own adapter can be told to do (flue/provider.h has no call for it). */
static const char *foreign_wrong(const struct flue_scenario *scenario)
{
    if (scenario->rss_queues > 1)
        return "rss_queues cannot be with --target: only Flue's own adapter has several receive queues; leave it out";
    if (scenario->pause_at != FLUE_PS_NEVER || scenario->upload_all_at != FLUE_PS_NEVER)
        return "pause_at and upload_all_at cannot be with --target: only Flue's own adapter can be told to; leave them "
               "out";
    return NULL;
}

flue_err world_possible(const struct flue_scenario *scenario, const struct schedule *schedule, int foreign,
                        char *message, size_t room)
{
    uint64_t lose[FLUE_IMPAIR_LIST_MAX];
    struct drivers_count count;
    const int server = impair_parse(scenario->loss_list.text, 's', lose);
    const int column = server != 0 ? server : impair_parse(scenario->loss_list.text, 'c', lose);
    const char *wrong = NULL;
    flue_err err;

    if (column != 0) {
        (void)snprintf(
            message, room,
            "loss_list: column %d of \"%s\" is no frame; write for example \"s3 s17 c5\", at most %d for each side",
            column, scenario->loss_list.text, FLUE_IMPAIR_LIST_MAX);
        return FLUE_EINVAL;
    }
    if (drivers_count(scenario->drivers.text, &count, &wrong) < 0) {
        (void)snprintf(message, room,
                       "drivers: column %d of \"%s\": write words out of pass, team, hold, refuse, each alone or as "
                       "pass*64; at most %u drivers in all",
                       (int)(wrong - scenario->drivers.text) + 1, scenario->drivers.text, DRIVERS_MAX);
        return FLUE_EINVAL;
    }
    wrong = drivers_wrong(scenario);
    if (wrong == NULL && scenario->rss_remap_at != FLUE_PS_NEVER && scenario->rss_queues < 2)
        wrong = "rss_remap_at needs several receive queues; set rss_queues=2 or more";
    if (wrong == NULL && foreign)
        wrong = foreign_wrong(scenario);
    if (wrong == NULL)
        wrong = topology_wrong(scenario);
    if (wrong == NULL)
        wrong = clients_ns3_wrong(scenario, schedule);
    if (wrong == NULL)
        wrong = times_wrong(scenario);
    if (wrong == NULL)
        wrong = advice_wrong(scenario);
    if (wrong == NULL)
        wrong = workload_wrong(scenario);
    if (wrong != NULL) {
        (void)snprintf(message, room, "%s", wrong);
        return FLUE_EINVAL;
    }
    err = deadline_possible(scenario, message, room);
    return err == FLUE_OK ? schedule_possible(scenario, schedule, foreign, message, room) : err;
}
