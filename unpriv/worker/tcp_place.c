/*
 * Who goes when there is no room. Whoever asks quickly must never go for one
 * who does not, nor for one who has more connections already.
 */
#include "tcp_place.h"

static enum place place_of(const struct conn *);
static struct conn *oldest(const struct conns *, uint64_t, uint64_t);
static struct conn *
of_the_greediest(const struct conns *, const struct source_table *, uint32_t);

void
places_init(struct places *p)
{
	int at;

	for (at = 0; at < PLACES; at++)
		TAILQ_INIT(&p->list[at]);
}

void
places_add(struct places *p, struct conn *c)
{
	c->place = PLACE_NEW;
	TAILQ_INSERT_TAIL(&p->list[c->place], c, entry);
}

void
places_move(struct places *p, struct conn *c, uint64_t now)
{
	enum place place = place_of(c);

	/* Those lists are in the order of a time; who begins anew is last. */
	if (place == c->place && place != PLACE_IDLE &&
	    !(place == PLACE_SLOW && c->stream.half_since == now))
		return;
	TAILQ_REMOVE(&p->list[c->place], c, entry);
	c->place = place;
	TAILQ_INSERT_TAIL(&p->list[place], c, entry);
}

void
places_remove(struct places *p, struct conn *c)
{
	TAILQ_REMOVE(&p->list[c->place], c, entry);
}

struct conn *
places_least_missed(const struct places *p, const struct source_table *sources,
    uint32_t count, uint64_t now)
{
	struct conn *c;

	if ((c = oldest(&p->list[PLACE_SLOW], now, PLACE_GRACE_MS)) == NULL &&
	    (c = oldest(&p->list[PLACE_NEW], now, PLACE_GRACE_MS)) == NULL &&
	    (c = oldest(&p->list[PLACE_SLOW], now, 0)) == NULL &&
	    (c = oldest(&p->list[PLACE_NEW], now, 0)) == NULL &&
	    (c = oldest(&p->list[PLACE_IDLE], now, 0)) == NULL)
		c = of_the_greediest(&p->list[PLACE_BUSY], sources, count);
	return c;
}

static enum place
place_of(const struct conn *c)
{
	if (stream_is_owed(&c->stream))
		return PLACE_BUSY;
	if (c->stream.half_since != 0)
		return PLACE_SLOW;
	if (!stream_is_idle(&c->stream))
		return PLACE_BUSY;
	return c->asked ? PLACE_IDLE : PLACE_NEW;
}

/* The first, if it has been there for so long; none of this turn. */
static struct conn *
oldest(const struct conns *list, uint64_t now, uint64_t least)
{
	struct conn *c;
	uint64_t since;

	for (c = TAILQ_FIRST(list); c != NULL; c = TAILQ_NEXT(c, entry)) {
		since = c->place == PLACE_SLOW ? c->stream.half_since
					       : c->stream.idle_since;
		if (now - since < least)
			return NULL;
		if (!c->dirty)
			return c;
	}
	return NULL;
}

static struct conn *
of_the_greediest(const struct conns *list, const struct source_table *sources,
    uint32_t count)
{
	struct conn *c, *found = NULL;
	uint32_t most = count + 1;

	TAILQ_FOREACH(c, list, entry)
		if (sources->entry[c->source].count > most) {
			most = sources->entry[c->source].count;
			found = c;
		}
	return found;
}
