/*
 * The life of a question. Every one that is taken into the table leaves it
 * with exactly one reply, whatever the TLS process does or leaves undone.
 */
#include "dotproxy/counter.h"
#include "unpriv/dns/answer.h"

#include "own.h"
#include "query.h"

static bool refuse(struct query_table *, const struct settings *,
    const struct query_client *, struct query_message *, uint64_t,
    struct query_reply *);
static enum cookie_proof
take_cookie(const struct query_table *, const struct settings *,
    const struct query_client *, struct query_message *, uint64_t);
static bool take_known(struct query_table *, const struct settings *,
    const struct query_client *, const struct query_message *, uint64_t, bool *,
    struct query_reply *);
static void ask_ahead(struct query_table *, const struct dns_query *, uint64_t);
static bool
shed(struct query_table *, const struct settings *, const struct query_client *,
    const struct dns_query *, bool, uint64_t, uint32_t *, struct query_reply *);
static const char *overloaded(const struct query_table *, uint64_t, uint16_t *);
static void turn_away(struct query_table *, const struct settings *,
    const struct dns_query *, bool, const struct dns_ede *, uint64_t,
    struct query_reply *);
static bool answer_slot(struct query_table *, const struct settings *, uint32_t,
    const uint8_t *, size_t, uint64_t, struct query_reply *);
static bool fail_slot(struct query_table *, const struct settings *, uint32_t,
    const struct dns_ede *, uint64_t, struct query_reply *);
static bool tell_stale(struct query_table *, const struct settings *, uint32_t,
    uint64_t, struct query_reply *);

enum query_fate
query_take(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const uint8_t *msg, size_t len, bool cut,
    uint64_t now, struct query_reply *reply)
{
	static struct query_message message; /* nobody clears it each time */

	query_read(table, &message, msg, len, cut);
	return query_take_read(table, settings, client, &message, now, reply);
}

void
query_read(const struct query_table *table, struct query_message *message,
    const uint8_t *msg, size_t len, bool cut)
{
	message->cut = cut;
	message->looked = false;
	message->verdict = dns_query_read(&message->query, msg, len);
	if (message->verdict == DNS_TAKE)
		answers_ahead(&table->answers, &message->query, &message->key);
}

void
query_near(const struct query_table *table, const struct query_message *message)
{
	if (message->verdict == DNS_TAKE)
		answers_near(&table->answers, &message->key);
}

bool
query_is_proven(const struct query_table *table,
    const struct settings *settings, const struct query_client *client,
    struct query_message *message, uint64_t now)
{
	return message->verdict != DNS_DROP &&
	    take_cookie(table, settings, client, message, now) == COOKIE_GOOD;
}

enum query_fate
query_take_read(struct query_table *table, const struct settings *settings,
    const struct query_client *client, struct query_message *message,
    uint64_t now, struct query_reply *reply)
{
	struct query_slot *slot;
	bool has_stale;
	uint32_t share;

	/* 1. The message, whole. An answer is never answered. */
	if (message->verdict == DNS_DROP) {
		counter_inc(queries_dropped);
		guard_charge_hit(&table->guard, &client->limit);
		return QUERY_DROPPED;
	}
	/* 2. Who may not ask, and what may not be asked.
	 *    (What a client's rate is, was looked at before: guard.h.)
	 * 3. What is known already. */
	if (refuse(table, settings, client, message, now, reply) ||
	    take_known(
		table, settings, client, message, now, &has_stale, reply)) {
		guard_charge_hit(&table->guard, &client->limit);
		return QUERY_ANSWERED;
	}
	/* 4. Whether it can be asked for. */
	if (shed(table, settings, client, &message->query, has_stale, now,
		&share, reply))
		return QUERY_ANSWERED;
	/* 5. In flight: query_fill asks, query_answer or query_expire ends. */
	slot = &table->slot[query_slot_new(table, &message->query, now)];
	slot->client = *client;
	slot->has_client = true;
	slot->stranger = client->stranger;
	table->nstrangers += slot->stranger;
	slot->has_stale = has_stale;
	slot->share = share;
	table->nclients++;
	return QUERY_IN_FLIGHT;
}

static bool
refuse(struct query_table *table, const struct settings *settings,
    const struct query_client *client, struct query_message *message,
    uint64_t now, struct query_reply *reply)
{
	struct dns_query *query = &message->query;
	const enum cookie_proof proof =
	    take_cookie(table, settings, client, message, now);
	struct dns_ede ede;

	if (query_refuse(query, message->verdict, settings, client,
		message->cut, &ede)) {
		query_fail(reply, settings, client, query, query->rcode, &ede);
		return true;
	}
	if (client->proto != IPC_UDP || proof == COOKIE_GOOD ||
	    !settings_need_cookie(settings, &client->address))
		return false;
	counter_inc(queries_unproven);
	query_prove(reply, settings, client, query, proof);
	return true;
}

/* Whoever has one shows that the address is the client's, and is told the next
 * one in whatever answer there will be. It is looked at once. */
static enum cookie_proof
take_cookie(const struct query_table *table, const struct settings *settings,
    const struct query_client *client, struct query_message *message,
    uint64_t now)
{
	if (message->looked)
		return message->proof;
	message->looked = true;
	message->proof = COOKIE_NONE;
	if (settings->cookies && message->query.cookie_len != 0)
		message->proof = cookie_take(&table->cookies, &message->query,
		    &client->address,
		    table->cookies.epoch + (uint32_t)(now / 1000));
	if (message->proof == COOKIE_GOOD)
		counter_inc(cookies_good);
	else if (message->proof == COOKIE_BAD)
		counter_inc(cookies_bad);
	return message->proof;
}

/*
 * Whether it is answered from what is known: our own, the cache's answer, or
 * that it has just failed. Who does not desire recursion (RD clear) gets one
 * of the first two or none: nothing is asked for them.
 */
static bool
take_known(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const struct query_message *message,
    uint64_t now, bool *has_stale, struct query_reply *reply)
{
	const struct dns_query *query = &message->query;
	enum answers_found found;
	struct dns_reply how;
	struct dns_ede ede;

	query_how(&how, settings, client, query);
	reply->client = *client;
	reply->was_in_flight = false;
	*has_stale = false;
	reply->len = own_answer(
	    settings, query, &how, reply->bytes, sizeof(reply->bytes));
	if (reply->len != 0)
		return true;
	found = answers_look(&table->answers, settings, query, &message->key,
	    &how, now, reply->bytes, sizeof(reply->bytes), &reply->len);
	*has_stale = found == ANSWERS_STALE;
	if (found == ANSWERS_AGEING)
		ask_ahead(table, query, now);
	if (found == ANSWERS_FRESH || found == ANSWERS_AGEING)
		return true;
	if ((query->flags & DNS_RD) == 0) {
		counter_inc(queries_refused_recursion);
		ede = query_ede(DNS_EDE_NOT_AUTHORITATIVE, "not in the cache");
		query_fail(reply, settings, client, query, DNS_REFUSED, &ede);
		return true;
	}
	if (found != ANSWERS_FAILED)
		return false;
	counter_inc(cache_failed);
	if (reply->len == 0) {
		ede = query_ede(DNS_EDE_CACHED_ERROR, "it has just failed");
		query_fail(reply, settings, client, query, DNS_SERVFAIL, &ede);
	}
	return true;
}

/* The answer is about to end and is asked for again, for whoever comes. */
static void
ask_ahead(
    struct query_table *table, const struct dns_query *query, uint64_t now)
{
	struct dns_query again = *query;

	/* Only where there is room to spare. */
	if (table->absent || table->nused >= QUERY_MAX / 2 ||
	    table->nwaiting >= QUERY_BACKLOG / 2)
		return;
	again.flags |= DNS_RD;
	counter_inc(cache_prefetched);
	(void)query_slot_new(table, &again, now);
}

/* Whether there is no room in the table, no TLS process that keeps up, or too
 * much beneath one name: then *reply is its answer. Else *share is for the
 * slot. */
static bool
shed(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    bool has_stale, uint64_t now, uint32_t *share, struct query_reply *reply)
{
	const struct dns_question *q = &query->question;
	struct dns_ede ede;
	const char *why;
	uint16_t code;

	if ((why = overloaded(table, now, &code)) != NULL) {
		counter_inc(queries_shed);
		guard_charge_hit(&table->guard, &client->limit);
		ede = query_ede(code, why);
		turn_away(table, settings, query, has_stale, &ede, now, reply);
		return true;
	}
	guard_charge_miss(&table->guard, &client->limit);
	if (guard_zone(&table->guard, q->name, q->name_len, now) &&
	    guard_enter(&table->guard, q->name, q->name_len, table->nused,
		QUERY_MAX, share))
		return false;
	counter_inc(limit_zone);
	ede = query_ede(DNS_EDE_OTHER, "too many beneath one name");
	turn_away(table, settings, query, has_stale, &ede, now, reply);
	return true;
}

static const char *
overloaded(const struct query_table *table, uint64_t now, uint16_t *ede)
{
	if (table->absent && now - table->absent_since >= QUERY_ABSENT_MS) {
		*ede = DNS_EDE_NOT_READY;
		return "the TLS process is not there";
	}
	*ede = DNS_EDE_OTHER;
	if (table->nused == QUERY_MAX || table->nwaiting >= QUERY_BACKLOG)
		return "overloaded";
	return NULL;
}

/* Nothing is asked for who stands in *reply: told is what was true before, or
 * why that is so. */
static void
turn_away(struct query_table *table, const struct settings *settings,
    const struct dns_query *query, bool has_stale, const struct dns_ede *ede,
    uint64_t now, struct query_reply *reply)
{
	const struct query_client client = reply->client;
	struct dns_reply how;

	query_how(&how, settings, &client, query);
	reply->len = !has_stale
	    ? 0
	    : answers_tell_stale(&table->answers, settings, query, &how, now,
		  reply->bytes, sizeof(reply->bytes));
	if (reply->len == 0)
		query_fail(reply, settings, &client, query, DNS_SERVFAIL, ede);
}

enum query_filled
query_fill(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply)
{
	const struct dns_ede ede =
	    query_ede(DNS_EDE_OTHER, "the TLS process ended twice over this");
	struct query_slot *slot;
	uint32_t i;

	while (table->nwaiting != 0) {
		i = table->cursor;
		slot = &table->slot[i];
		if (!slot->waiting) {
			table->cursor = slot->next;
			continue;
		}
		if (slot->sends == QUERY_SENDS_MAX) {
			counter_inc(queries_failed);
			if (fail_slot(table, settings, i, &ede, now, reply))
				return QUERY_GIVEN_UP;
			continue;
		}
		if (!query_slot_ask(table, i))
			return QUERY_FULL;
		slot->waiting = false;
		slot->sends++;
		table->nwaiting--;
		table->cursor = slot->next;
	}
	return QUERY_ALL;
}

int
query_answer(struct query_table *table, const struct settings *settings,
    const struct ipc_answer *answer, const uint8_t *body, uint64_t now,
    struct query_reply *reply)
{
	uint32_t i = (uint32_t)answer->id;
	uint32_t generation = (uint32_t)(answer->id >> 32);
	struct query_slot *slot;
	struct dns_ede ede;

	if (i >= table->fresh)
		return -1;
	slot = &table->slot[i];
	/* Generations wrap; the difference tells what is still to come. */
	if ((int32_t)(generation - slot->generation) > 0)
		return -1;
	if (!slot->used || generation != slot->generation || slot->waiting) {
		counter_inc(answers_late);
		return 0;
	}
	if (answer->kind == IPC_ANSWERED)
		return answer_slot(
		    table, settings, i, body, answer->len, now, reply);
	counter_inc(queries_failed);
	answers_keep_failure(&table->answers, settings, &slot->query, now);
	ede = (struct dns_ede){ answer->ede, answer->len, body };
	return fail_slot(table, settings, i, &ede, now, reply);
}

/* Keeps the answer, and ends the slot. True: tell its client, with *reply. */
static bool
answer_slot(struct query_table *table, const struct settings *settings,
    uint32_t i, const uint8_t *msg, size_t len, uint64_t now,
    struct query_reply *reply)
{
	const struct query_slot *slot = &table->slot[i];
	const struct dns_ede bad =
	    query_ede(DNS_EDE_INVALID_DATA, "the answer does not parse");
	bool failed, has_client = slot->has_client;
	struct dns_answer answer;
	struct dns_reply how;

	if (!dns_answer_read(&answer, msg, len) ||
	    !dns_question_equal(&answer.question, &slot->query.question)) {
		counter_inc(answers_bad);
		answers_keep_failure(
		    &table->answers, settings, &slot->query, now);
		return fail_slot(table, settings, i, &bad, now, reply);
	}
	if (!slot->distrusted)
		answers_keep(
		    &table->answers, settings, &slot->query, msg, &answer, now);
	/* RFC 8767 4: only these two say what is true now. */
	failed = answer.rcode != DNS_NOERROR && answer.rcode != DNS_NXDOMAIN;
	if (has_client && answer.rcode != DNS_NOERROR)
		guard_charge_failed(&table->guard, &slot->client.limit);
	if (has_client &&
	    (!failed || !tell_stale(table, settings, i, now, reply))) {
		query_how(&how, settings, &slot->client, &slot->query);
		reply->client = slot->client;
		reply->was_in_flight = true;
		reply->len = dns_answer_write(reply->bytes,
		    sizeof(reply->bytes), msg, &answer, &slot->query, &how);
		counter_inc(answers_upstream);
		if (!how.tcp && query_is_cut(reply))
			counter_inc(answers_truncated);
	}
	query_slot_free(table, i);
	return has_client;
}

/* Ends the slot. True: its client is to be told so, with *reply. */
static bool
fail_slot(struct query_table *table, const struct settings *settings,
    uint32_t i, const struct dns_ede *ede, uint64_t now,
    struct query_reply *reply)
{
	const struct query_slot *slot = &table->slot[i];
	bool has_client = slot->has_client;

	if (has_client && !tell_stale(table, settings, i, now, reply)) {
		query_fail(reply, settings, &slot->client, &slot->query,
		    DNS_SERVFAIL, ede);
		reply->was_in_flight = true;
	}
	query_slot_free(table, i);
	return has_client;
}

/* True: *reply holds an answer of before, for the slot's client. */
static bool
tell_stale(struct query_table *table, const struct settings *settings,
    uint32_t i, uint64_t now, struct query_reply *reply)
{
	const struct query_slot *slot = &table->slot[i];
	struct dns_reply how;

	if (!slot->has_client || !slot->has_stale)
		return false;
	query_how(&how, settings, &slot->client, &slot->query);
	reply->client = slot->client;
	reply->was_in_flight = true;
	reply->len = answers_tell_stale(&table->answers, settings, &slot->query,
	    &how, now, reply->bytes, sizeof(reply->bytes));
	return reply->len != 0;
}

bool
query_expire(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply)
{
	const struct dns_ede ede =
	    query_ede(DNS_EDE_NO_REACHABLE, "no answer in time");
	struct query_slot *slot;
	uint32_t i;

	while ((i = table->patience) != QUERY_NONE) {
		slot = &table->slot[i];
		if (now - (slot->deadline - QUERY_TIMEOUT_MS) <
		    QUERY_PATIENCE_MS)
			break;
		table->patience = slot->next;
		if (!tell_stale(table, settings, i, now, reply))
			continue;
		/* What it still asks for is for the cache. */
		slot->has_client = false;
		table->nclients--;
		return true;
	}
	while ((i = table->oldest) != QUERY_NONE &&
	    table->slot[i].deadline <= now) {
		slot = &table->slot[i];
		if (slot->has_client)
			counter_inc(queries_timeout);
		answers_keep_failure(
		    &table->answers, settings, &slot->query, now);
		if (fail_slot(table, settings, i, &ede, now, reply))
			return true;
	}
	return false;
}

bool
query_stop(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply)
{
	const struct dns_ede ede =
	    query_ede(DNS_EDE_NOT_READY, "dotproxy is stopping");

	while (table->oldest != QUERY_NONE) {
		if (table->slot[table->oldest].has_client)
			counter_inc(queries_timeout);
		if (fail_slot(table, settings, table->oldest, &ede, now, reply))
			return true;
	}
	return false;
}
