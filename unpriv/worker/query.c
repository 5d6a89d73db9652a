/*
 * The life of a question. Every one that is taken into the table leaves it
 * with exactly one reply, whatever the TLS process does or leaves undone.
 */
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/answer.h"
#include "unpriv/dns/reader.h"

#include "own.h"
#include "query.h"

#define NONE	  UINT32_MAX
#define KEEPALIVE 100 /* 10 s in units of 100 ms, as stream.h has it */

static bool
refuse(struct dns_query *, enum dns_verdict, const struct settings *,
    const struct query_client *, bool, struct dns_ede *);
static const char *overloaded(const struct query_table *, uint64_t, uint16_t *);
static void count_refusal(uint16_t);
static void
fail(struct query_reply *, const struct settings *, const struct query_client *,
    const struct dns_query *, uint16_t, const struct dns_ede *);
static bool take_known(struct query_table *, const struct settings *,
    const struct query_client *, const struct dns_query *, uint64_t, bool *,
    struct query_reply *);
static void ask_ahead(struct query_table *, const struct dns_query *, uint64_t);
static bool tell_stale(struct query_table *, const struct settings *, uint32_t,
    uint64_t, struct query_reply *);
static bool fail_slot(struct query_table *, const struct settings *, uint32_t,
    const struct dns_ede *, uint64_t, struct query_reply *);
static bool answer_slot(struct query_table *, const struct settings *, uint32_t,
    const uint8_t *, size_t, uint64_t, struct query_reply *);
static void how_to_tell(struct dns_reply *, const struct settings *,
    const struct query_client *, const struct dns_query *);
static struct dns_ede ede_text(uint16_t, const char *);
static bool is_truncated(const struct query_reply *);
static bool add_to_batch(struct query_table *, uint32_t);
static uint32_t
slot_new(struct query_table *, const struct dns_query *, uint64_t);
static void slot_wait(struct query_table *, uint32_t);
static void slot_free(struct query_table *, uint32_t);

void
query_init(struct query_table *table, uint64_t now)
{
	table->oldest = table->newest = table->free = table->cursor = NONE;
	table->patience = NONE;
	table->fresh = 0;
	table->nused = table->nwaiting = table->nclients = 0;
	table->absent = true;
	table->absent_since = now;
	ipc_batch_init(&table->batch, IPC_QUERIES);
}

enum query_fate
query_take(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const uint8_t *msg, size_t len, bool cut,
    uint64_t now, struct query_reply *reply)
{
	enum dns_verdict verdict;
	struct query_slot *slot;
	struct dns_query query;
	struct dns_ede ede;
	const char *why;
	bool has_stale;
	uint32_t i;

	/* 1. The message, whole. An answer is never answered. */
	verdict = dns_query_read(&query, msg, len);
	if (verdict == DNS_DROP) {
		counter_inc(queries_dropped);
		return QUERY_DROPPED;
	}
	/* 2. Who may not ask, and what may not be asked.
	 *    (Limits of a client's rate have their place here.) */
	if (refuse(&query, verdict, settings, client, cut, &ede)) {
		fail(reply, settings, client, &query, query.rcode, &ede);
		return QUERY_ANSWERED;
	}
	/* 3. What is known already. */
	if (take_known(table, settings, client, &query, now, &has_stale, reply))
		return QUERY_ANSWERED;
	/* 4. Room in the table, and a TLS process that keeps up. */
	if ((why = overloaded(table, now, &query.ede)) != NULL) {
		counter_inc(queries_shed);
		ede = ede_text(query.ede, why);
		fail(reply, settings, client, &query, DNS_SERVFAIL, &ede);
		return QUERY_ANSWERED;
	}
	/* 5. In flight: query_fill asks, query_answer or query_expire ends. */
	i = slot_new(table, &query, now);
	slot = &table->slot[i];
	slot->client = *client;
	slot->has_client = true;
	slot->has_stale = has_stale;
	table->nclients++;
	return QUERY_IN_FLIGHT;
}

enum query_filled
query_fill(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply)
{
	const struct dns_ede ede =
	    ede_text(DNS_EDE_OTHER, "the TLS process ended twice over this");
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
		if (!add_to_batch(table, i))
			return QUERY_FULL;
		slot->waiting = false;
		slot->sends++;
		table->nwaiting--;
		table->cursor = slot->next;
	}
	return QUERY_ALL;
}

void
query_unsend(struct query_table *table)
{
	struct ipc_message m = { .type = IPC_QUERIES, .fd = -1 };
	struct query_slot *slot;
	const uint8_t *name;
	struct ipc_query q;
	size_t offset = 0;

	m.payload = table->batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = table->batch.len;
	while (ipc_query_next(&m, &offset, &q, &name) == 1) {
		slot = &table->slot[q.id & UINT32_MAX];
		slot->waiting = true;
		slot->sends--;
		table->nwaiting++;
	}
	table->cursor = table->oldest;
	ipc_batch_init(&table->batch, IPC_QUERIES);
}

void
query_absent(struct query_table *table, uint64_t now)
{
	uint32_t i;

	for (i = table->oldest; i != NONE; i = table->slot[i].next)
		table->slot[i].waiting = true;
	table->nwaiting = table->nused;
	table->cursor = table->oldest;
	table->absent = true;
	table->absent_since = now;
}

void
query_present(struct query_table *table)
{
	table->absent = false;
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

bool
query_expire(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply)
{
	const struct dns_ede ede =
	    ede_text(DNS_EDE_NO_REACHABLE, "no answer in time");
	struct query_slot *slot;
	uint32_t i;

	while ((i = table->patience) != NONE) {
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
	while ((i = table->oldest) != NONE && table->slot[i].deadline <= now) {
		slot = &table->slot[i];
		if (slot->has_client)
			counter_inc(queries_timeout);
		if (now != UINT64_MAX)
			answers_keep_failure(
			    &table->answers, settings, &slot->query, now);
		if (fail_slot(table, settings, i, &ede, now, reply))
			return true;
	}
	return false;
}

/*
 * Whether it is answered from what is known: our own, the cache's answer, or
 * that it has just failed. Who does not desire recursion (RD clear) gets one
 * of the first two or none: nothing is asked for them.
 */
static bool
take_known(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    uint64_t now, bool *has_stale, struct query_reply *reply)
{
	enum answers_found found;
	struct dns_reply how;
	struct dns_ede ede;

	how_to_tell(&how, settings, client, query);
	reply->client = *client;
	reply->was_in_flight = false;
	*has_stale = false;
	reply->len = own_answer(
	    settings, query, &how, reply->bytes, sizeof(reply->bytes));
	if (reply->len != 0)
		return true;
	found = answers_look(&table->answers, settings, query, &how, now,
	    reply->bytes, sizeof(reply->bytes), &reply->len);
	*has_stale = found == ANSWERS_STALE;
	if (found == ANSWERS_AGEING)
		ask_ahead(table, query, now);
	if (found == ANSWERS_FRESH || found == ANSWERS_AGEING)
		return true;
	if ((query->flags & DNS_RD) == 0) {
		counter_inc(queries_refused_recursion);
		ede = ede_text(DNS_EDE_NOT_AUTHORITATIVE, "not in the cache");
		fail(reply, settings, client, query, DNS_REFUSED, &ede);
		return true;
	}
	if (found != ANSWERS_FAILED)
		return false;
	if (reply->len == 0) {
		ede = ede_text(DNS_EDE_CACHED_ERROR, "it has just failed");
		fail(reply, settings, client, query, DNS_SERVFAIL, &ede);
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
	(void)slot_new(table, &again, now);
}

/*
 * Whether the question is answered with an error at once, and which. One who
 * may not ask is told only that, whatever the message holds.
 */
static bool
refuse(struct dns_query *query, enum dns_verdict verdict,
    const struct settings *settings, const struct query_client *client,
    bool cut, struct dns_ede *ede)
{
	if (!settings_allow(settings, &client->address)) {
		query->rcode = DNS_REFUSED;
		*ede = ede_text(DNS_EDE_PROHIBITED, "not in allow from");
		counter_inc(queries_refused_client);
		return true;
	}
	if (verdict == DNS_TAKE && cut) {
		query->rcode = DNS_FORMERR;
		query->ede = DNS_EDE_NONE;
		verdict = DNS_REJECT;
	}
	if (verdict != DNS_REJECT)
		return false;
	*ede = ede_text(query->ede, NULL);
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

/* Writes an error of our own for one who is in no slot, or no more. */
static void
fail(struct query_reply *reply, const struct settings *settings,
    const struct query_client *client, const struct dns_query *query,
    uint16_t rcode, const struct dns_ede *ede)
{
	struct dns_reply how;

	how_to_tell(&how, settings, client, query);
	reply->client = *client;
	reply->was_in_flight = false;
	reply->len = dns_error_write(
	    reply->bytes, sizeof(reply->bytes), rcode, ede, query, &how);
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
	how_to_tell(&how, settings, &slot->client, &slot->query);
	reply->client = slot->client;
	reply->was_in_flight = true;
	reply->len = answers_tell_stale(&table->answers, settings, &slot->query,
	    &how, now, reply->bytes, sizeof(reply->bytes));
	return reply->len != 0;
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
		fail(reply, settings, &slot->client, &slot->query, DNS_SERVFAIL,
		    ede);
		reply->was_in_flight = true;
	}
	slot_free(table, i);
	return has_client;
}

/* Keeps the answer, and ends the slot. True: tell its client, with *reply. */
static bool
answer_slot(struct query_table *table, const struct settings *settings,
    uint32_t i, const uint8_t *msg, size_t len, uint64_t now,
    struct query_reply *reply)
{
	const struct query_slot *slot = &table->slot[i];
	const struct dns_ede bad =
	    ede_text(DNS_EDE_INVALID_DATA, "the answer does not parse");
	bool has_client = slot->has_client;
	struct dns_answer answer;
	struct dns_reply how;

	if (!dns_answer_read(&answer, msg, len) ||
	    !dns_question_equal(&answer.question, &slot->query.question)) {
		counter_inc(answers_bad);
		answers_keep_failure(
		    &table->answers, settings, &slot->query, now);
		return fail_slot(table, settings, i, &bad, now, reply);
	}
	answers_keep(
	    &table->answers, settings, &slot->query, msg, &answer, now);
	if (has_client &&
	    (answer.rcode != DNS_SERVFAIL ||
		!tell_stale(table, settings, i, now, reply))) {
		how_to_tell(&how, settings, &slot->client, &slot->query);
		reply->client = slot->client;
		reply->was_in_flight = true;
		reply->len = dns_answer_write(reply->bytes,
		    sizeof(reply->bytes), msg, &answer, &slot->query, &how);
		counter_inc(answers_upstream);
		if (!how.tcp && is_truncated(reply))
			counter_inc(answers_truncated);
	}
	slot_free(table, i);
	return has_client;
}

static void
how_to_tell(struct dns_reply *how, const struct settings *settings,
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
}

static struct dns_ede
ede_text(uint16_t code, const char *text)
{
	struct dns_ede ede = { code, 0, NULL };

	if (text != NULL) {
		ede.text = (const uint8_t *)text;
		ede.text_len = (uint16_t)strlen(text);
	}
	return ede;
}

static bool
is_truncated(const struct query_reply *reply)
{
	struct dns_reader r;

	dns_reader_init(&r, reply->bytes, reply->len);
	dns_read_skip(&r, 2);
	return (dns_read_u16(&r) & DNS_TC) != 0;
}

/* The name goes upstream folded; the slot keeps the case it was sent in. AD is
 * asked for (RFC 6840 5.7) whatever the client knows of it: the answer is for
 * others too, and those that do not ask are not told. */
static bool
add_to_batch(struct query_table *table, uint32_t i)
{
	const struct query_slot *slot = &table->slot[i];
	struct dns_question question = slot->query.question;
	struct ipc_query q;

	dns_question_fold(&question);
	memset(&q, 0, sizeof(q));
	q.id = (uint64_t)slot->generation << 32 | i;
	q.type = question.type;
	q.class = question.class;
	q.ask = dns_query_ask(&slot->query) | DNS_ASK_AD;
	q.name_len = question.name_len;
	return ipc_batch_add(
	    &table->batch, &q, sizeof(q), question.name, question.name_len);
}

/* There is one: who asks has looked. It waits to be asked, and has no client. */
static uint32_t
slot_new(struct query_table *table, const struct dns_query *query, uint64_t now)
{
	struct query_slot *slot;
	uint32_t i = table->free;

	if (i != NONE)
		table->free = table->slot[i].next;
	else
		i = table->fresh++;
	slot = &table->slot[i];
	slot->generation++;
	slot->query = *query;
	slot->deadline = now + QUERY_TIMEOUT_MS;
	slot->used = true;
	slot->has_client = slot->has_stale = false;
	slot->sends = 0;
	/* All have the same time to live: the newest is the last to expire. */
	slot->next = NONE;
	slot->prev = table->newest;
	if (table->newest != NONE)
		table->slot[table->newest].next = i;
	else
		table->oldest = i;
	table->newest = i;
	table->nused++;
	if (table->patience == NONE)
		table->patience = i;
	slot_wait(table, i);
	return i;
}

static void
slot_wait(struct query_table *table, uint32_t i)
{
	table->slot[i].waiting = true;
	table->nwaiting++;
	if (table->cursor == NONE)
		table->cursor = i;
}

static void
slot_free(struct query_table *table, uint32_t i)
{
	struct query_slot *slot = &table->slot[i];

	if (slot->waiting)
		table->nwaiting--;
	if (slot->has_client)
		table->nclients--;
	if (table->cursor == i)
		table->cursor = slot->next;
	if (table->patience == i)
		table->patience = slot->next;
	if (slot->prev != NONE)
		table->slot[slot->prev].next = slot->next;
	else
		table->oldest = slot->next;
	if (slot->next != NONE)
		table->slot[slot->next].prev = slot->prev;
	else
		table->newest = slot->prev;
	slot->used = false;
	slot->waiting = false;
	slot->next = table->free;
	table->free = i;
	table->nused--;
}
