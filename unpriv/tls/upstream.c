/*
 * A config on its way in: every field is checked, also though the parent
 * sent it. What is not whole is never used.
 */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "unpriv/dns/dns.h"

#include "upstream.h"

static void add_tcp(struct pool_upstream *, const struct upstreams *);
static const char *take_begin(struct intake *, const struct ipc_conf_tls *);
static const char *
take_upstream(struct intake *, const struct ipc_upstream *, int);
static const char *take_address(struct intake *, const struct ipc_address *);
static const char *take_pin(struct intake *, const struct ipc_pin *);
static const char *take_zone(struct intake *, const struct ipc_zone *);
static bool is_folded_name(const uint8_t *, size_t, size_t);
static const char *take_commit(
    struct intake *, const struct ipc_generation *, struct upstreams **);
static void find_pinned(struct upstream *);
static bool printable(const char *);
static uint8_t *read_ca(int, size_t *);
static struct tls_config *new_config(void);
static void use_ca(struct upstream *, const uint8_t *, size_t);
static bool same(const struct upstream *, const struct upstream *);

struct tls_config *
upstream_config(const struct upstream *u, const uint8_t *ca, size_t len)
{
	struct tls_config *config = new_config();

	if (len > 0 && tls_config_set_ca_mem(config, ca, len) == -1)
		fatalx("tls_config: %s", tls_config_error(config));
	/* By pin alone: the chain must still hold. */
	if (u->host[0] == '\0')
		tls_config_insecure_noverifyname(config);
	return config;
}

void
upstreams_free(struct upstreams *all)
{
	uint32_t i;

	if (all == NULL)
		return;
	for (i = 0; i < CONF_UPSTREAMS_MAX; i++) {
		verify_anchors_free(all->one[i].anchors);
		tls_config_free(all->one[i].tls);
		tls_config_free(all->one[i].diagnose);
	}
	free(all);
}

void
upstreams_for_pool(const struct upstreams *all, const struct upstreams *before,
    struct pool_upstream *out)
{
	const struct upstream *u;
	uint32_t i, n, bi, bn;

	memset(out, 0, all->n * sizeof(*out));
	for (i = 0; i < all->n; i++) {
		u = &all->one[i];
		memcpy(out[i].name, u->name, sizeof(out[i].name));
		out[i].naddress = u->naddress;
		for (n = 0; n < u->naddress; n++) {
			out[i].was_upstream[n] = UINT32_MAX;
			out[i].was_address[n] = UINT32_MAX;
			for (bi = 0; before != NULL && bi < before->n; bi++)
				for (bn = 0; same(u, &before->one[bi]) &&
				     bn < before->one[bi].naddress;
				     bn++)
					if (netaddr_equal(&u->address[n],
						&before->one[bi].address[bn])) {
						out[i].was_upstream[n] = bi;
						out[i].was_address[n] = bn;
					}
		}
		if (u->plain)
			add_tcp(&out[i], before);
	}
}

/* To the addresses over UDP, the same over TCP. */
static void
add_tcp(struct pool_upstream *u, const struct upstreams *before)
{
	uint32_t n, was;

	u->nudp = u->naddress;
	u->naddress *= 2;
	for (n = 0; n < u->nudp; n++) {
		was = u->was_upstream[n];
		u->was_upstream[u->nudp + n] = was;
		u->was_address[u->nudp + n] = was == UINT32_MAX
		    ? UINT32_MAX
		    : before->one[was].naddress + u->was_address[n];
	}
}

const char *
intake_message(
    struct intake *in, const struct ipc_message *m, struct upstreams **done)
{
	const char *wrong;

	*done = NULL;
	switch (m->type) {
	case IPC_CONF_TLS:
		wrong = take_begin(in, m->payload);
		break;
	case IPC_UPSTREAM:
		wrong = take_upstream(in, m->payload, m->fd);
		break;
	case IPC_ADDRESS:
		wrong = take_address(in, m->payload);
		break;
	case IPC_PIN:
		wrong = take_pin(in, m->payload);
		break;
	case IPC_ZONE:
		wrong = take_zone(in, m->payload);
		break;
	case IPC_COMMIT:
		wrong = take_commit(in, m->payload, done);
		break;
	default:
		wrong = "not of a config";
		break;
	}
	if (m->fd != -1)
		(void)close(m->fd);
	return wrong;
}

static const char *
take_begin(struct intake *in, const struct ipc_conf_tls *conf)
{
	if (in->all != NULL)
		return "a config within another";
	if (conf->generation == 0 || conf->nupstream == 0 ||
	    conf->nupstream > CONF_UPSTREAMS_MAX || conf->nzone == 0 ||
	    conf->nzone > CONF_ZONES_MAX || conf->verbose > 1 ||
	    conf->trial > 1)
		return "a config with a number out of bounds";
	memset(in, 0, sizeof(*in));
	if ((in->all = calloc(1, sizeof(*in->all))) == NULL)
		fatal("calloc");
	in->all->generation = conf->generation;
	in->all->verbose = conf->verbose == 1;
	in->all->trial = conf->trial == 1;
	in->announced = conf->nupstream;
	in->zones = conf->nzone;
	return NULL;
}

static const char *
take_upstream(struct intake *in, const struct ipc_upstream *from, int fd)
{
	struct upstream *u;
	uint8_t *ca = NULL;
	size_t len = 0;

	if (in->all == NULL || in->all->n >= in->announced ||
	    from->index != in->all->n)
		return "an upstream out of order";
	if (from->naddress == 0 || from->naddress > CONF_ADDRESSES_MAX ||
	    from->npin > CONF_PINS_MAX || from->plain > 1)
		return "an upstream with a number out of bounds";
	if (!ipc_string_is_valid(from->name, sizeof(from->name)) ||
	    !ipc_string_is_valid(from->host, sizeof(from->host)) ||
	    from->name[0] == '\0' || !printable(from->name) ||
	    !printable(from->host))
		return "an upstream with a name that is none";
	if ((from->host[0] == '\0' && from->npin == 0) != (from->plain == 1))
		return "an upstream with neither name nor pin, or a plain one "
		       "with either";
	if ((fd == -1) != (from->plain == 1))
		return "an upstream without a CA bundle, or a plain one with "
		       "one";
	if (fd != -1 && (ca = read_ca(fd, &len)) == NULL)
		return "a CA bundle that cannot be read";

	u = &in->all->one[in->all->n++];
	memcpy(u->name, from->name, sizeof(u->name));
	memcpy(u->host, from->host, sizeof(u->host));
	u->naddress = from->naddress;
	u->npin = from->npin;
	u->plain = from->plain == 1;
	u->way = from->way;
	use_ca(u, ca, len);
	free(ca);
	return NULL;
}

static const char *
take_address(struct intake *in, const struct ipc_address *from)
{
	if (in->all == NULL || from->upstream >= in->all->n ||
	    from->index != in->naddress[from->upstream] ||
	    from->index >= in->all->one[from->upstream].naddress)
		return "an address out of order";
	if (!netaddr_is_valid(&from->address) || from->address.port == 0)
		return "an address that is none";
	in->all->one[from->upstream].address[from->index] = from->address;
	in->naddress[from->upstream]++;
	return NULL;
}

static const char *
take_pin(struct intake *in, const struct ipc_pin *from)
{
	if (in->all == NULL || from->upstream >= in->all->n ||
	    from->index != in->npin[from->upstream] ||
	    from->index >= in->all->one[from->upstream].npin)
		return "a pin out of order";
	memcpy(in->all->one[from->upstream].pin[from->index], from->pin,
	    VERIFY_PIN_LEN);
	in->npin[from->upstream]++;
	return NULL;
}

static const char *
take_zone(struct intake *in, const struct ipc_zone *from)
{
	static const uint8_t zeroes[CONF_UPSTREAMS_MAX];
	struct conf_zone *z;
	uint32_t i, seen = 0;

	if (in->all == NULL || in->all->nzone >= in->zones ||
	    in->all->n != in->announced || from->index != in->all->nzone)
		return "a zone out of order";
	if (from->policy >= CONF_POLICIES || from->nupstream == 0 ||
	    from->nupstream > CONF_UPSTREAMS_MAX ||
	    memcmp(&from->upstream[from->nupstream], zeroes,
		CONF_UPSTREAMS_MAX - from->nupstream) != 0)
		return "a zone with a number out of bounds";
	for (i = 0; i < from->nupstream; i++) {
		if (from->upstream[i] >= in->all->n ||
		    (seen & 1u << from->upstream[i]) != 0)
			return "a zone with an upstream that is none";
		if (in->all->one[from->upstream[i]].plain !=
			in->all->one[from->upstream[0]].plain ||
		    (from->index == 0 && !in->all->trial &&
			in->all->one[from->upstream[i]].plain))
			return "a zone with a plain upstream that it cannot "
			       "have";
		seen |= 1u << from->upstream[i];
	}
	if (!is_folded_name(from->name, from->name_len, sizeof(from->name)) ||
	    (from->name_len == 1) != (from->index == 0))
		return "a zone with a name that is none";
	for (i = 0; i < in->all->nzone; i++)
		if (in->all->zone[i].name_len == from->name_len &&
		    memcmp(in->all->zone[i].name, from->name, from->name_len) ==
			0)
			return "a zone that was there before";

	z = &in->all->zone[in->all->nzone++];
	memcpy(z->name, from->name, sizeof(z->name));
	z->name_len = (uint8_t)from->name_len;
	z->policy = from->policy;
	z->nupstream = from->nupstream;
	memcpy(z->upstream, from->upstream, sizeof(z->upstream));
	return NULL;
}

/* A name of len bytes, and zeroes up to size. */
static bool
is_folded_name(const uint8_t *name, size_t len, size_t size)
{
	size_t i;

	if (len == 0 || len > DNS_NAME_MAX || !dns_name_is_folded(name, len))
		return false;
	for (i = len; i < size; i++)
		if (name[i] != 0)
			return false;
	return true;
}

static const char *
take_commit(struct intake *in, const struct ipc_generation *commit,
    struct upstreams **done)
{
	uint32_t i;

	if (in->all == NULL || commit->generation != in->all->generation ||
	    in->all->n != in->announced || in->all->nzone != in->zones)
		return "a config that is not whole";
	for (i = 0; i < in->all->n; i++)
		if (in->naddress[i] != in->all->one[i].naddress ||
		    in->npin[i] != in->all->one[i].npin)
			return "an upstream that is not whole";
	for (i = 0; i < in->all->n; i++)
		find_pinned(&in->all->one[i]);
	*done = in->all;
	in->all = NULL;
	return NULL;
}

static void
find_pinned(struct upstream *u)
{
	if (u->anchors != NULL && u->npin > 0)
		u->npinned = verify_anchors_pinned(u->anchors, u->pin, u->npin,
		    u->pinned, UPSTREAM_PINNED_MAX);
}

/* They go into texts for clients. */
static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* The whole of it, or NULL. */
static uint8_t *
read_ca(int fd, size_t *len)
{
	uint8_t *ca, *fitted;
	ssize_t n = -1;

	if ((ca = malloc(CONF_CA_MAX + 1)) == NULL)
		fatal("malloc");
	*len = 0;
	while (*len <= CONF_CA_MAX &&
	    (n = pread(fd, &ca[*len], CONF_CA_MAX + 1 - *len, (off_t)*len)) > 0)
		*len += (size_t)n;
	if (n != 0 || *len > CONF_CA_MAX) {
		free(ca);
		return NULL;
	}
	fitted = realloc(ca, *len + 1);
	return fitted != NULL ? fitted : ca;
}

static struct tls_config *
new_config(void)
{
	struct tls_config *config;

	if ((config = tls_config_new()) == NULL)
		fatalx("tls_config_new: no memory");
	if (tls_config_set_protocols(
		config, TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_ciphers(config, "secure") == -1 ||
	    tls_config_set_alpn(config, "dot") == -1)
		fatalx("tls_config: %s", tls_config_error(config));
	return config;
}

static void
use_ca(struct upstream *u, const uint8_t *ca, size_t len)
{
	(void)SHA256(ca, len, u->ca_hash);
	u->anchors = verify_anchors_new(ca, len);
	if (u->anchors == NULL && !u->plain)
		log_warnx("upstream \"%s\": there is no certificate in its CA "
			  "bundle: none of its connections can be verified",
		    u->name);
	u->tls = upstream_config(u, ca, len);
	u->diagnose = new_config();
	tls_config_insecure_noverifycert(u->diagnose);
	tls_config_insecure_noverifyname(u->diagnose);
	tls_config_insecure_noverifytime(u->diagnose);
}

/* Whether a connection to one is as well verified for the other, and came to
 * be in the same way. */
static bool
same(const struct upstream *a, const struct upstream *b)
{
	return strcmp(a->host, b->host) == 0 && a->plain == b->plain &&
	    a->way == b->way && a->npin == b->npin &&
	    memcmp(a->pin, b->pin, a->npin * sizeof(a->pin[0])) == 0 &&
	    memcmp(a->ca_hash, b->ca_hash, sizeof(a->ca_hash)) == 0;
}
