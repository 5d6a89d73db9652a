/*
 * What we tell a client ourselves: who may not ask, what may not be asked, and
 * how an error is put. One who may not ask must never be told more than that.
 */
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/reader.h"

#include "query_tell.h"

#define KEEPALIVE 100 /* 10 s in units of 100 ms, as stream.h has it */

static void count_refusal(uint16_t);
static uint32_t cookie_room(const struct dns_query *);

bool
query_refuse(struct dns_query *query, enum dns_verdict verdict,
    const struct settings *settings, const struct query_client *client,
    bool cut, struct dns_ede *ede)
{
	if (!settings_allow(settings, &client->address)) {
		query->rcode = DNS_REFUSED;
		*ede = query_ede(DNS_EDE_PROHIBITED, "not in allow from");
		counter_inc(queries_refused_client);
		return true;
	}
	if (client->over) {
		query->rcode = DNS_REFUSED;
		*ede = query_ede(DNS_EDE_PROHIBITED, "over the limit");
		return true;
	}
	if (verdict == DNS_TAKE && cut) {
		query->rcode = DNS_FORMERR;
		query->ede = DNS_EDE_NONE;
		verdict = DNS_REJECT;
	}
	if (verdict != DNS_REJECT)
		return false;
	/* It asked for a cookie alone, and gets none here. */
	if (query->rcode == DNS_NOERROR && !query->tell_cookie)
		query->rcode = DNS_FORMERR;
	*ede = query_ede(query->ede, NULL);
	if (query->rcode != DNS_NOERROR)
		count_refusal(query->rcode);
	return true;
}

static void
count_refusal(uint16_t rcode)
{
	switch (rcode) {
	case DNS_NOTIMP:
		counter_inc(queries_notimp);
		break;
	case DNS_BADVERS:
		counter_inc(queries_badvers);
		break;
	case DNS_REFUSED:
		counter_inc(queries_refused_type);
		break;
	default:
		counter_inc(queries_formerr);
		break;
	}
}

void
query_fail(struct query_reply *reply, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    uint16_t rcode, const struct dns_ede *ede)
{
	struct dns_reply how;

	query_how(&how, settings, client, query);
	reply->client = *client;
	reply->was_in_flight = false;
	reply->len = dns_error_write(
	    reply->bytes, sizeof(reply->bytes), rcode, ede, query, &how);
}

void
query_prove(struct query_reply *reply, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    enum cookie_proof proof)
{
	struct dns_reply how;

	if (proof != COOKIE_NONE) {
		query_fail(reply, settings, client, query, DNS_BADCOOKIE, NULL);
		return;
	}
	query_how(&how, settings, client, query);
	reply->client = *client;
	reply->was_in_flight = false;
	reply->len = dns_truncated_write(
	    reply->bytes, sizeof(reply->bytes), query, &how);
}

void
query_how(struct dns_reply *how, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query)
{
	how->tcp = client->proto == IPC_TCP;
	how->udp_size = (uint16_t)settings->udp_size;
	how->keepalive = KEEPALIVE;
	if (how->tcp)
		how->limit = DNS_MESSAGE_MAX;
	else if (query->udp_size < settings->udp_size)
		how->limit = query->udp_size;
	else
		how->limit = settings->udp_size;
	if (!how->tcp && client->most != 0 &&
	    how->limit > client->most + cookie_room(query))
		how->limit = client->most + cookie_room(query);
}

/* What a fresh cookie adds to the question's: of 1 to 1 nothing would be left
 * to answer in. */
static uint32_t
cookie_room(const struct dns_query *query)
{
	return query->tell_cookie && query->cookie_len < DNS_COOKIE_LEN
	    ? DNS_COOKIE_LEN - (uint32_t)query->cookie_len
	    : 0;
}

struct dns_ede
query_ede(uint16_t code, const char *text)
{
	struct dns_ede ede = { code, 0, NULL };

	if (text != NULL) {
		ede.text = (const uint8_t *)text;
		ede.text_len = (uint16_t)strlen(text);
	}
	return ede;
}

bool
query_is_cut(const struct query_reply *reply)
{
	struct dns_reader r;

	dns_reader_init(&r, reply->bytes, reply->len);
	dns_read_skip(&r, 2);
	return (dns_read_u16(&r) & DNS_TC) != 0;
}
