/*
 * Batches: many questions, or many answers, in one datagram. What is read
 * here was written by a sibling that may be broken into.
 */
#include <string.h>

#include "ipc.h"

#define ASK_ALL 0x0f /* the bits that struct ipc_query may have in ask */

static bool
entry_body(const struct ipc_message *, size_t *, size_t, const uint8_t **);

void
ipc_batch_init(struct ipc_batch *batch, enum ipc_type type)
{
	batch->len = 0;
	batch->entries = 0;
	batch->type = type;
}

bool
ipc_batch_add(struct ipc_batch *batch, const void *head, size_t head_len,
    const void *body, size_t body_len)
{
	uint8_t *p = batch->buffer.bytes + sizeof(struct ipc_header);

	if (batch->len >= IPC_BATCH_LEN ||
	    batch->len + head_len + body_len > IPC_PAYLOAD_MAX)
		return false;
	memcpy(p + batch->len, head, head_len);
	if (body_len != 0)
		memcpy(p + batch->len + head_len, body, body_len);
	batch->len += head_len + body_len;
	batch->entries++;
	return true;
}

int
ipc_batch_flush(struct ipc *ipc, struct ipc_batch *batch)
{
	if (batch->len == 0)
		return 0;
	if (ipc_send(ipc, batch->type,
		batch->buffer.bytes + sizeof(struct ipc_header), batch->len,
		-1) == -1)
		return -1;
	ipc_batch_init(batch, batch->type);
	return 0;
}

int
ipc_query_next(const struct ipc_message *m, size_t *offset, struct ipc_query *q,
    const uint8_t **body)
{
	if (*offset == m->len)
		return 0;
	if (m->len - *offset < sizeof(*q))
		return -1;
	memcpy(q, (const uint8_t *)m->payload + *offset, sizeof(*q));
	*offset += sizeof(*q);
	if (q->zero != 0 || q->name_len == 0 || (q->ask & ~ASK_ALL) != 0)
		return -1;
	return entry_body(m, offset, q->name_len, body) ? 1 : -1;
}

int
ipc_answer_next(const struct ipc_message *m, size_t *offset,
    struct ipc_answer *a, const uint8_t **body)
{
	static const uint8_t zero[sizeof(a->zero)];
	size_t i;

	if (*offset == m->len)
		return 0;
	if (m->len - *offset < sizeof(*a))
		return -1;
	memcpy(a, (const uint8_t *)m->payload + *offset, sizeof(*a));
	*offset += sizeof(*a);
	if (memcmp(a->zero, zero, sizeof(zero)) != 0 ||
	    (a->kind != IPC_ANSWERED && a->kind != IPC_FAILED))
		return -1;
	if (!entry_body(m, offset, a->len, body))
		return -1;
	if (a->kind == IPC_ANSWERED)
		return a->ede == 0 ? 1 : -1;
	if (a->len > IPC_FAILURE_TEXT_MAX)
		return -1;
	for (i = 0; i < a->len; i++)
		if ((*body)[i] < ' ' || (*body)[i] > '~')
			return -1;
	return 1;
}

static bool
entry_body(const struct ipc_message *m, size_t *offset, size_t len,
    const uint8_t **body)
{
	if (m->len - *offset < len)
		return false;
	*body = (const uint8_t *)m->payload + *offset;
	*offset += len;
	return true;
}
