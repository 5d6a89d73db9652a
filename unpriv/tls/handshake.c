/*
 * The handshake and its verification. A connection goes up here only, and only
 * by VERIFY_OK; one that diagnoses a refusal never does.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tls.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"

#include "carry.h"
#include "handshake.h"
#include "report.h"
#include "turn.h"

struct diagnosis {
	uint64_t when; /* 0: never */
	enum reason reason;
};

static void handshake_done(struct conn *);
static void handshake_failed(struct conn *);
static void verify(struct conn *, struct verify_result *);
static void try_whole(struct conn *, const char *);
static void diagnose(struct conn *, const char *);

static struct diagnosis diagnoses[CONF_UPSTREAMS_MAX][CONF_ADDRESSES_MAX];

void
handshake_reset(void)
{
	memset(diagnoses, 0, sizeof(diagnoses));
	known_reset();
}

void
handshake_begin(struct conn *c)
{
	const struct upstream *u = &conn_upstreams()->one[c->upstream];
	struct tls_config *config = known_config(c->upstream);

	if (u->anchors == NULL) {
		conn_ended(
		    c, REASON_UNKNOWN_CA, "no certificate in the CA bundle");
		return;
	}
	if (c->diagnose)
		config = u->diagnose;
	else if (config == NULL || c->how == KNOWN_BY_ALL_ONLY) {
		config = u->tls;
		if (c->how == KNOWN_BY_FEW)
			c->how = KNOWN_BY_ALL;
	}
	if ((c->tls = tls_client()) == NULL)
		fatalx("tls_client: no memory");
	if (tls_configure(c->tls, config) == -1 ||
	    tls_connect_cbs(c->tls, carry_from_socket, carry_to_socket, c,
		u->host[0] == '\0' ? NULL : u->host) == -1) {
		conn_ended(c, REASON_TLS, tls_error(c->tls));
		return;
	}
	c->state = CONN_HANDSHAKE;
	c->began = clock_us();
	handshake_continue(c);
}

void
handshake_continue(struct conn *c)
{
	switch (tls_handshake(c->tls)) {
	case 0:
		handshake_done(c);
		break;
	case TLS_WANT_POLLIN:
		conn_watch(c, true, false);
		break;
	case TLS_WANT_POLLOUT:
		conn_watch(c, false, true);
		break;
	default:
		handshake_failed(c);
	}
}

/*
 * libtls is content with chain and name; now the chain is verified again, and
 * the pins are held against it, unless that was done a short time ago. A
 * diagnosing connection ends here in all cases: libtls verified nothing on it.
 */
static void
handshake_done(struct conn *c)
{
	struct verify_result result;

	verify(c, &result);
	if (result.reason != VERIFY_OK) {
		report_detail(result.detail, &result);
		diagnoses[c->upstream][c->address].reason =
		    reason_from_verify(result.reason);
		conn_ended(c, reason_from_verify(result.reason), NULL);
	} else if (c->diagnose)
		conn_ended(c, REASON_TLS, "verified only the second time");
	else {
		diagnoses[c->upstream][c->address].when = 0;
		known_learn(c->upstream, &conn_upstreams()->one[c->upstream],
		    &result, c->how);
		conn_go_up(c);
	}
}

static void
verify(struct conn *c, struct verify_result *result)
{
	const struct upstream *u = &conn_upstreams()->one[c->upstream];
	const uint8_t *chain;
	size_t len = 0;

	if ((chain = tls_peer_cert_chain_pem(c->tls, &len)) == NULL)
		len = 0;
	if (!c->diagnose && len > 0 &&
	    known_chain(c->upstream, chain, len, turn_now())) {
		*result = (struct verify_result){ .reason = VERIFY_OK };
		return;
	}
	verify_chain(result, u->anchors, chain, len,
	    u->host[0] == '\0' ? NULL : u->host, u->pin, u->npin, time(NULL));
	if (!c->diagnose && result->reason == VERIFY_OK)
		known_learn_chain(c->upstream, chain, len, turn_now());
	conn_owner()->verified(conn_index(c), u, result, c->tls);
}

static void
handshake_failed(struct conn *c)
{
	char text[128];
	enum reason reason = carry_why_ended(c);

	(void)snprintf(text, sizeof(text), "%s",
	    tls_error(c->tls) == NULL ? "" : tls_error(c->tls));
	if (c->diagnose)
		conn_ended(c, REASON_TLS, text);
	else if (reason != REASON_TLS)
		conn_ended(c, reason, "in the handshake");
	else if (c->how == KNOWN_BY_FEW)
		try_whole(c, text);
	else
		diagnose(c, text);
}

/* It may have another CA than before: that is not yet a refusal. */
static void
try_whole(struct conn *c, const char *text)
{
	conn_drop_socket(c, false);
	c->eof = false;
	c->how = KNOWN_BY_ALL_ONLY;
	if (!conn_ask_parent(c))
		conn_ended(c, REASON_TLS, text);
}

/*
 * libtls refused the upstream. Its words are not to be relied on, so the chain
 * is fetched once more on a connection of its own that never takes a question,
 * and held against verify_chain, which says what is wrong.
 */
static void
diagnose(struct conn *c, const char *text)
{
	struct diagnosis *d = &diagnoses[c->upstream][c->address];
	uint64_t now = turn_now();

	if (d->when != 0 && now - d->when < CONN_DIAGNOSE_AGAIN) {
		conn_ended(c, d->reason, NULL);
		return;
	}
	d->when = now;
	d->reason = REASON_TLS;
	conn_drop_socket(c, false);
	c->eof = false;
	c->diagnose = true;
	if (!conn_ask_parent(c)) {
		conn_ended(c, REASON_TLS, text);
		return;
	}
	conn_owner()->doomed(conn_index(c), now);
}
