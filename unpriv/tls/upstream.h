/*
 * The upstreams as this process has them: what the parent sent, checked, and
 * made into what a connection is verified by.
 */
#ifndef UNPRIV_TLS_UPSTREAM_H
#define UNPRIV_TLS_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <tls.h>

#include "dotproxy/conf.h"
#include "dotproxy/ipc.h"

#include "pool.h"
#include "verify.h"

/* CAs of an upstream that are pinned, and looked at for their end. */
#define UPSTREAM_PINNED_MAX CONF_PINS_MAX

struct upstream {
	char name[CONF_NAME_MAX];
	char host[CONF_HOST_MAX]; /* "": by pin alone */
	uint32_t naddress, npin;
	bool plain; /* without TLS: no host, no pin, no anchors */
	uint32_t way; /* ipc_upstream.way */
	struct netaddr address[CONF_ADDRESSES_MAX];
	uint8_t pin[CONF_PINS_MAX][VERIFY_PIN_LEN];
	uint8_t ca_hash[32]; /* SHA-256 of the bundle */
	struct verify_anchors *anchors; /* NULL: no certificate in it */
	struct cert pinned[UPSTREAM_PINNED_MAX]; /* CAs of it */
	size_t npinned;
	/* Verifies chain and name, and reads the whole bundle for it. */
	struct tls_config *tls;
	/* Verifies nothing: only to fetch the chain that was refused. */
	struct tls_config *diagnose;
};

/* A whole config. Of its zones the first is the root; an upstream of a zone is
 * one of these, and in it once. */
struct upstreams {
	uint32_t generation;
	uint32_t n;
	uint32_t nzone;
	bool verbose;
	bool trial; /* of a trial: nobody is answered */
	struct upstream one[CONF_UPSTREAMS_MAX];
	struct conf_zone zone[CONF_ZONES_MAX];
};

/* What verifies chain and name of this upstream by these CAs; to be freed. */
struct tls_config *
upstream_config(const struct upstream *u, const uint8_t *ca, size_t len);
void upstreams_free(struct upstreams *all);
/* What the pool is told of them, as it differs from the ones before. */
void upstreams_for_pool(const struct upstreams *all,
    const struct upstreams *before, struct pool_upstream *out);

/* A config on its way in. */
struct intake {
	struct upstreams *all; /* NULL: none has begun */
	uint32_t naddress[CONF_UPSTREAMS_MAX], npin[CONF_UPSTREAMS_MAX];
	uint32_t announced; /* upstreams to come in all */
	uint32_t zones; /* likewise */
};

/*
 * Takes IPC_CONF_TLS, IPC_UPSTREAM, IPC_ADDRESS, IPC_PIN, IPC_ZONE or
 * IPC_COMMIT, and closes its descriptor. Returns NULL, or what is wrong with
 * it: then the config is not one. With a good IPC_COMMIT, *done is the config,
 * the caller's to free.
 */
const char *intake_message(
    struct intake *in, const struct ipc_message *m, struct upstreams **done);

#endif
