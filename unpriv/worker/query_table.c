/*
 * The questions in flight: a list in the order of their deadlines, with those
 * that wait to be written among them. It must never grow.
 */
#include <string.h>

#include "query_table.h"

static void slot_wait(struct query_table *, uint32_t);

void
query_init(struct query_table *table, uint64_t now)
{
	table->oldest = table->newest = table->free = table->cursor =
	    QUERY_NONE;
	table->patience = QUERY_NONE;
	table->fresh = 0;
	table->nused = table->nwaiting = table->nclients = 0;
	table->nstrangers = 0;
	table->absent = true;
	table->absent_since = now;
	ipc_batch_init(&table->batch, IPC_QUERIES);
}

void
query_absent(struct query_table *table, uint64_t now)
{
	uint32_t i;

	for (i = table->oldest; i != QUERY_NONE; i = table->slot[i].next)
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

void
query_distrust(struct query_table *table)
{
	uint32_t i;

	for (i = table->oldest; i != QUERY_NONE; i = table->slot[i].next)
		table->slot[i].distrusted = true;
}

uint32_t
query_slot_new(
    struct query_table *table, const struct dns_query *query, uint64_t now)
{
	struct query_slot *slot;
	uint32_t i = table->free;

	if (i != QUERY_NONE)
		table->free = table->slot[i].next;
	else
		i = table->fresh++;
	slot = &table->slot[i];
	slot->generation++;
	slot->query = *query;
	slot->deadline = now + QUERY_TIMEOUT_MS;
	slot->used = true;
	slot->has_client = slot->has_stale = slot->distrusted = false;
	slot->stranger = false;
	slot->sends = 0;
	slot->share = 0;
	/* All have the same time to live: the newest is the last to expire. */
	slot->next = QUERY_NONE;
	slot->prev = table->newest;
	if (table->newest != QUERY_NONE)
		table->slot[table->newest].next = i;
	else
		table->oldest = i;
	table->newest = i;
	table->nused++;
	if (table->patience == QUERY_NONE)
		table->patience = i;
	slot_wait(table, i);
	return i;
}

static void
slot_wait(struct query_table *table, uint32_t i)
{
	table->slot[i].waiting = true;
	table->nwaiting++;
	if (table->cursor == QUERY_NONE)
		table->cursor = i;
}

void
query_slot_free(struct query_table *table, uint32_t i)
{
	struct query_slot *slot = &table->slot[i];

	if (slot->waiting)
		table->nwaiting--;
	if (slot->has_client)
		table->nclients--;
	if (slot->stranger)
		table->nstrangers--;
	if (table->cursor == i)
		table->cursor = slot->next;
	if (table->patience == i)
		table->patience = slot->next;
	if (slot->prev != QUERY_NONE)
		table->slot[slot->prev].next = slot->next;
	else
		table->oldest = slot->next;
	if (slot->next != QUERY_NONE)
		table->slot[slot->next].prev = slot->prev;
	else
		table->newest = slot->prev;
	guard_leave(&table->guard, slot->share);
	slot->used = false;
	slot->waiting = false;
	slot->next = table->free;
	table->free = i;
	table->nused--;
}

bool
query_slot_ask(struct query_table *table, uint32_t i)
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
