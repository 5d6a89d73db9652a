/*
 * Zones of the config file, and the upstreams of each. A zone must never get
 * one that it did not name.
 */
#include <stdlib.h>
#include <string.h>

#include "dotproxy/log.h"

#include "parse.h"

static void
resolve_zone(struct parser *p, const struct zone *from, struct conf_zone *z);
static bool
may_be_asked(struct parser *, struct word, const struct conf_zone *, uint32_t);
static uint32_t use_upstream(struct conf *conf, uint32_t index);

/* What is refused is read on, for what else is wrong with it. */
void
begin_default(struct parser *p, struct word w)
{
	memset(&p->nozone, 0, sizeof(p->nozone));
	p->to = once(p, w, &p->seen.forward) ? &p->zone[0] : &p->nozone;
}

void
begin_zone(struct parser *p, struct word w)
{
	struct zone *z = &p->nozone;
	uint32_t i;

	memset(z, 0, sizeof(*z));
	p->to = z;
	z->name_len = config_name_parse(z->name, w.text);
	if (z->name_len == 0) {
		complain(p, w,
		    strcmp(w.text, ".") == 0
			? "expected " A_NAME ": all of them are what \"forward "
			  "to\" is for"
			: "expected " A_NAME);
		return;
	}
	for (i = 1; i < p->nzone; i++)
		if (p->zone[i].name_len == z->name_len &&
		    memcmp(p->zone[i].name, z->name, z->name_len) == 0) {
			complain(p, w, "this zone is given twice");
			return;
		}
	if (p->nzone == CONF_ZONES_MAX) {
		complain(p, w, "expected at most 63 zones");
		return;
	}
	p->to = &p->zone[p->nzone++];
	*p->to = *z;
}

void
add_target(struct parser *p, struct word w)
{
	struct zone *z = p->to;
	uint32_t i;

	for (i = 0; i < z->n; i++)
		if (strcmp(z->to[i].text, w.text) == 0) {
			complain(p, w, "this upstream is listed twice");
			return;
		}
	if (z->n == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(
			CONF_UPSTREAMS_MAX) " upstreams");
	else
		z->to[z->n++] = w;
}

void
set_policy(struct parser *p, struct word w)
{
	uint32_t i;

	for (i = 0; i < CONF_POLICIES; i++)
		if (strcmp(config_policies[i], w.text) == 0) {
			p->to->policy = i;
			return;
		}
	complain(p, w, "expected " A_POLICY);
}

/* Names to indices, once all upstreams are known: those that are named come
 * first, in the order in which they are. */
void
resolve_zones(struct parser *p)
{
	struct word w = { "cloudflare", p->line };
	uint32_t i;

	if (p->zone[0].n == 0 && p->seen.forward == 0)
		p->zone[0].to[p->zone[0].n++] = w;
	for (i = 0; i < p->nzone; i++)
		resolve_zone(p, &p->zone[i], &p->conf->zone[i]);
	p->conf->nzone = p->nzone;
}

static void
resolve_zone(struct parser *p, const struct zone *from, struct conf_zone *z)
{
	uint32_t i;
	int index;

	memcpy(z->name, from->name, from->name_len);
	z->name_len = (uint8_t)from->name_len;
	z->policy = from->policy;
	for (i = 0; i < from->n; i++) {
		index = find_upstream(p->conf, from->to[i].text);
		if (index == -1)
			index = add_builtin(p, from->to[i]);
		if (index == -1)
			continue;
		if (!may_be_asked(p, from->to[i], z, (uint32_t)index))
			continue;
		z->upstream[z->nupstream++] =
		    (uint8_t)use_upstream(p->conf, (uint32_t)index);
	}
}

/* Clear text is for a zone whose every upstream is asked in it: nothing may
 * fall back to it. */
static bool
may_be_asked(
    struct parser *p, struct word w, const struct conf_zone *z, uint32_t index)
{
	const struct conf_upstream *up = p->conf->upstream;

	if (z->name_len == 1 && up[index].plain)
		complain(p, w,
		    "plain: only a zone of its own (forward zone) "
		    "may be asked in clear text");
	else if (z->nupstream > 0 &&
	    up[z->upstream[0]].plain != up[index].plain)
		complain(p, w,
		    "one is plain and one is not: what fails over "
		    "TLS would be asked in clear text");
	else
		return true;
	return false;
}

/* Among the used ones, if it was not: its index there. */
static uint32_t
use_upstream(struct conf *conf, uint32_t index)
{
	struct conf_upstream *up = conf->upstream, *used;

	if (index < conf->nused)
		return index;
	if ((used = malloc(sizeof(*used))) == NULL)
		fatal("config_read");
	*used = up[index];
	memmove(&up[conf->nused + 1], &up[conf->nused],
	    (index - conf->nused) * sizeof(*up));
	up[conf->nused] = *used;
	free(used);
	return conf->nused++;
}
