/*
 * The log of the upstreams. It must not let an upstream flood the log.
 */
#include <stdio.h>
#include <string.h>

#include "dotproxy/log.h"

#include "report.h"

#define OVER_TCP   " over TCP"
#define WHERE_TEXT (NETADDR_TEXT + sizeof(OVER_TCP))

/* What was said of an address. */
struct said {
	uint32_t now; /* the reason and 1; 0: nothing yet */
	uint64_t last[REASONS]; /* when; 0: never */
	uint64_t unsaid[REASONS]; /* times since */
	uint64_t suspected; /* when that was said last; 0: never */
	uint64_t again; /* times since */
	bool suspect; /* as the log has it */
};

static void say(const struct upstream *, uint32_t, enum reason, uint64_t);
static void place(const struct upstream *, uint32_t, char *);
static const char *sentence(enum reason);
static void say_pins(const struct upstream *);

/* Memory of upstreams that there are not is never touched. */
static struct said said[CONF_UPSTREAMS_MAX][POOL_ADDRESSES_MAX];
static bool is_told_of[CONF_UPSTREAMS_MAX];
static char detail_text[160];
static struct verify_result detail_chain;

void
report_reset(void)
{
	uint32_t u;

	for (u = 0; u < CONF_UPSTREAMS_MAX; u++)
		if (is_told_of[u])
			memset(said[u], 0, sizeof(said[u]));
	memset(is_told_of, 0, sizeof(is_told_of));
}

void
report_detail(const char *detail, const struct verify_result *chain)
{
	(void)snprintf(detail_text, sizeof(detail_text), "%s",
	    detail == NULL ? "" : detail);
	detail_chain.ncert = 0;
	if (chain != NULL)
		detail_chain = *chain;
}

void
report_text(char *buf, size_t size, enum reason reason, const char *detail)
{
	if (detail == NULL)
		detail = "";
	(void)snprintf(buf, size, "%s%s%s%s",
	    reason_is_certificate(reason) ? "certificate refused: " : "",
	    sentence(reason), detail[0] != '\0' ? ": " : "", detail);
}

void
report_address(const struct upstreams *all, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now)
{
	struct said *s = &said[upstream][address];
	bool changed = s->now != reason + 1;

	is_told_of[upstream] = true;
	s->now = reason + 1;
	if (reason == REASON_NONE && !changed)
		return;
	if (s->last[reason] != 0 && now - s->last[reason] < REPORT_AGAIN) {
		s->unsaid[reason]++;
		return;
	}
	s->last[reason] = now == 0 ? 1 : now;
	say(&all->one[upstream], address, reason, s->unsaid[reason]);
	s->unsaid[reason] = 0;
	report_detail(NULL, NULL);
}

void
report_health(const struct upstreams *all, uint32_t upstream, uint32_t address,
    bool suspect, enum reason reason, uint64_t now)
{
	struct said *s = &said[upstream][address];
	char where[WHERE_TEXT], more[64] = "";

	is_told_of[upstream] = true;
	place(&all->one[upstream], address, where);
	if (!suspect) {
		if (s->suspect)
			log_info("upstream \"%s\" at %s: well again",
			    all->one[upstream].name, where);
		s->suspect = false;
		return;
	}
	if (s->suspected != 0 && now - s->suspected < REPORT_AGAIN) {
		s->again++;
		return;
	}
	if (s->again > 0)
		(void)snprintf(more, sizeof(more),
		    " (and was so %llu times more since it was said)",
		    (unsigned long long)s->again);
	log_warnx("upstream \"%s\" at %s: suspect after failures in a row, "
		  "the last: %s; it is probed until it answers%s",
	    all->one[upstream].name, where, reason_text(reason), more);
	s->suspected = now == 0 ? 1 : now;
	s->again = 0;
	s->suspect = true;
}

static void
say(const struct upstream *u, uint32_t address, enum reason reason,
    uint64_t unsaid)
{
	char where[WHERE_TEXT], more[64] = "", text[256];

	place(u, address, where);
	if (unsaid > 0)
		(void)snprintf(more, sizeof(more),
		    " (and %llu times in the last minute)",
		    (unsigned long long)unsaid);
	if (reason == REASON_NONE) {
		log_info("upstream \"%s\" at %s: %s, in use", u->name, where,
		    u->plain ? "in clear text" : "verified");
		return;
	}
	report_text(text, sizeof(text), reason, detail_text);
	log_warnx("upstream \"%s\" at %s: %s%s", u->name, where, text, more);
	if (reason == REASON_NO_PIN)
		say_pins(u);
}

/* Of a plain one the second half of the addresses is over TCP. */
static void
place(const struct upstream *u, uint32_t address, char *text)
{
	char where[NETADDR_TEXT];

	(void)netaddr_port_text(&u->address[address % u->naddress], where);
	(void)snprintf(text, WHERE_TEXT, "%s%s", where,
	    address < u->naddress ? "" : OVER_TCP);
}

static const char *
sentence(enum reason reason)
{
	switch (reason) {
	case REASON_REFUSED:
		return "connection refused";
	case REASON_RESET:
		return "connection reset";
	case REASON_CLOSED:
		return "connection closed by the upstream";
	case REASON_GARBAGE:
		return "closed: what it sent was nothing that was asked for";
	case REASON_NO_INTERFACE:
		return "the interface that it is to be reached by is not there";
	case REASON_PROXY:
		return "no way through the SOCKS proxy";
	case REASON_NO_SOURCE:
		return "its source is not an address of this machine";
	default:
		return reason_text(reason);
	}
}

/* As they stand in a config, leaf first. */
static void
say_pins(const struct upstream *u)
{
	char pin[VERIFY_PIN_TEXT];
	size_t i;

	for (i = 0; i < detail_chain.ncert; i++)
		log_warnx("upstream \"%s\" %s: pin \"%s\"", u->name,
		    i == 0 ? "has the leaf" : "has also",
		    verify_pin_text(detail_chain.cert[i].pin, pin));
}
