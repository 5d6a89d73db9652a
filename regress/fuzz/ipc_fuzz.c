/*
 * Any bytes as a datagram of a sibling: three bytes choose who sent it, who
 * reads it, in which state and with how many descriptors. What the table lets
 * through must keep what the table says, and a batch must be walked to its end
 * without a read outside.
 */
#include <stdlib.h>
#include <string.h>

#include "dotproxy/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void walk_queries(const struct ipc_message *);
static void walk_answers(const struct ipc_message *);
static void must(int);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum ipc_role role[] = { IPC_PARENT, IPC_WORKER, IPC_TLS };
	static const enum ipc_state state[] = { IPC_NEW, IPC_CONFIG, IPC_RUN };
	struct ipc_message m = { .fd = -1 };
	const struct ipc_rule *rule;
	struct ipc_header header;
	enum ipc_role from, to;
	enum ipc_state in;
	uint8_t *datagram;
	size_t nfd;

	if (size < 3 || size - 3 > IPC_MESSAGE_MAX)
		return 0;
	from = role[data[0] % 3];
	to = role[data[1] % 3];
	in = state[data[2] % 3];
	nfd = data[2] / 64;
	/* On the heap, exactly as long: so that a read beyond it is seen. */
	size -= 3;
	if ((datagram = malloc(size == 0 ? 1 : size)) == NULL)
		abort();
	memcpy(datagram, data + 3, size);
	if (ipc_check(from, to, in, datagram, size, nfd) == NULL) {
		must(size >= sizeof(header));
		memcpy(&header, datagram, sizeof(header));
		must(header.len == size - sizeof(header));
		rule = ipc_rule(header.type);
		must(rule != NULL && header.len >= rule->min &&
		    header.len <= rule->max && nfd <= 1);
		m.type = (enum ipc_type)header.type;
		m.payload = datagram + sizeof(header);
		m.len = header.len;
		if (m.type == IPC_QUERIES)
			walk_queries(&m);
		else if (m.type == IPC_ANSWERS)
			walk_answers(&m);
	}
	free(datagram);
	return 0;
}

static void
walk_queries(const struct ipc_message *m)
{
	const uint8_t *body = NULL;
	struct ipc_query q;
	size_t offset = 0, sum = 0;
	uint8_t last = 0;
	int r;

	while ((r = ipc_query_next(m, &offset, &q, &body)) == 1) {
		must(q.name_len >= 1 && offset <= m->len);
		last ^= body[0] ^ body[q.name_len - 1];
		sum += sizeof(q) + q.name_len;
	}
	must(r != 0 || sum == m->len);
	*(volatile uint8_t *)&last = last;
}

static void
walk_answers(const struct ipc_message *m)
{
	const uint8_t *body = NULL;
	struct ipc_answer a;
	size_t offset = 0, sum = 0, i;
	int r;

	while ((r = ipc_answer_next(m, &offset, &a, &body)) == 1) {
		must(offset <= m->len);
		for (i = 0; i < a.len; i++)
			must(a.kind == IPC_ANSWERED ||
			    (body[i] >= ' ' && body[i] <= '~'));
		sum += sizeof(a) + a.len;
	}
	must(r != 0 || sum == m->len);
}

static void
must(int truth)
{
	if (!truth)
		abort();
}
