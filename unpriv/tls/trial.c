/*
 * The trial of a config's addresses. It verifies nothing itself: a connection
 * comes up, or not, as it would for a client's question.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"
#include "unpriv/dns/answer.h"

#include "handshake.h"
#include "pool.h"
#include "report.h"
#include "trial.h"

enum stage { TRIAL_CONNECT, TRIAL_HANDSHAKE, TRIAL_DIAGNOSE, TRIAL_ANSWER };

/* An address under trial, or done and not yet told of. */
struct one {
	bool done;
	bool open; /* there is a connection, or one was asked for */
	bool strange; /* something came that was nothing of ours */
	enum stage stage;
	uint64_t opened; /* ms */
	uint64_t deadline;
	uint64_t since; /* us, of what is measured now */
	uint64_t again; /* ms: a datagram may be lost, and goes once more */
	uint16_t id;
	struct verify_result result;
	struct ipc_trial said;
};

static void begin(uint32_t, uint64_t);
static void open_now(uint32_t);
static bool may_begin(uint64_t);
static void expire(uint32_t, uint64_t);
static bool tell(void);
static uint64_t next_due(uint64_t);
static void ask(uint32_t, uint64_t);
static struct dns_question question_for(uint32_t);
static void fail(struct one *, enum reason, const char *);
static void finish(uint32_t, const char *);
static uint32_t taken(const struct one *);
static const char *rcode_text(uint16_t);
static void fill_chain(struct one *, const struct upstream *);

static void connected(uint32_t, uint64_t);
static void doomed(uint32_t, uint64_t);
static void verified(uint32_t, const struct upstream *,
    const struct verify_result *, struct tls *);
static void up(uint32_t, uint64_t);
static void room(uint32_t);
static bool message(uint32_t, uint8_t *, size_t, uint64_t);
static void ended(uint32_t, enum reason, const char *, uint64_t);

static const struct conn_owner owner = {
	.connected = connected,
	.doomed = doomed,
	.verified = verified,
	.up = up,
	.room = room,
	.message = message,
	.ended = ended,
};

static const struct upstreams *upstreams;
static struct ipc *parent;
static uint16_t (*random_id)(void *);
/* The addresses in their order; those of [told .. begun) have a place in ones,
 * whose number is their connection's too. */
static struct {
	uint32_t upstream, address;
} target[CONF_UPSTREAMS_MAX * CONF_ADDRESSES_MAX];
static uint32_t ntarget, begun, told;
static struct one ones[TRIAL_AT_ONCE];
static bool over, wrote;

void
trial_begin(const struct upstreams *all, struct ipc *to_parent,
    uint16_t (*random)(void *))
{
	uint32_t u, i;

	upstreams = all;
	parent = to_parent;
	random_id = random;
	ntarget = 0;
	for (u = 0; u < all->n; u++)
		for (i = 0; i < all->one[u].naddress; i++) {
			target[ntarget].upstream = u;
			target[ntarget++].address = i;
		}
}

const struct conn_owner *
trial_owner(void)
{
	return &owner;
}

uint64_t
trial_turn(uint64_t now)
{
	uint64_t due;
	uint32_t i;

	for (i = told; i < begun; i++)
		expire(i % TRIAL_AT_ONCE, now);
	while (told < begun && ones[told % TRIAL_AT_ONCE].done)
		if (!tell())
			return now + TRIAL_AGAIN;
	while (
	    begun < ntarget && begun - told < TRIAL_AT_ONCE && may_begin(now)) {
		begin(begun % TRIAL_AT_ONCE, now);
		begun++;
	}
	if (told == ntarget && !over) {
		if (ipc_send(parent, IPC_TRIED, NULL, 0, -1) == -1)
			return now + TRIAL_AGAIN;
		over = true;
	}
	/* What was written goes out in the next turn: at once. */
	due = wrote ? now : next_due(now);
	wrote = false;
	return due;
}

/* The one begun last is done, or keeps the others waiting. */
static bool
may_begin(uint64_t now)
{
	const struct one *o = &ones[(begun - 1) % TRIAL_AT_ONCE];

	return begun == told || o->done || now - o->opened >= TRIAL_STAGGER;
}

static void
begin(uint32_t n, uint64_t now)
{
	struct one *o = &ones[n];

	memset(o, 0, sizeof(*o));
	o->said.upstream = target[begun].upstream;
	o->said.address = target[begun].address;
	o->said.connect = o->said.handshake = o->said.answer = IPC_TRIAL_NONE;
	o->opened = now;
	o->deadline = now + POOL_CONNECT;
	o->again = UINT64_MAX;
	o->id = random_id(NULL);
	open_now(n);
}

/* The parent may have no socket yet: it is asked again, until time is up. */
static void
open_now(uint32_t n)
{
	struct one *o = &ones[n];

	o->since = clock_us();
	o->open = conn_open(n, o->said.upstream, o->said.address);
}

static void
expire(uint32_t n, uint64_t now)
{
	static const char *const waited[] = {
		[TRIAL_CONNECT] = "there was no connection",
		[TRIAL_HANDSHAKE] = "the handshake did not end",
		[TRIAL_DIAGNOSE] = "its certificate was refused",
		[TRIAL_ANSWER] = "there was no answer",
	};
	struct one *o = &ones[n];

	if (o->done)
		return;
	if (now < o->deadline) {
		if (!o->open)
			open_now(n);
		else if (now >= o->again)
			ask(n, now);
		return;
	}
	if (!o->open)
		fail(o, REASON_NO_SOCKET, NULL);
	else if (o->strange)
		fail(o, REASON_GARBAGE, NULL);
	else
		fail(o, REASON_TIMED_OUT, waited[o->stage]);
	if (o->open)
		conn_close(n);
}

/* False: there is no room now. */
static bool
tell(void)
{
	const struct one *o = &ones[told % TRIAL_AT_ONCE];

	if (ipc_send(parent, IPC_TRIAL, &o->said, sizeof(o->said), -1) == -1) {
		if (errno == EAGAIN)
			return false;
		fatal("sending to the parent");
	}
	told++;
	return true;
}

static uint64_t
next_due(uint64_t now)
{
	const struct one *o;
	uint64_t due = UINT64_MAX, at;
	uint32_t i;

	for (i = told; i < begun; i++) {
		o = &ones[i % TRIAL_AT_ONCE];
		if (o->done)
			continue;
		at = o->open ? o->deadline : now + TRIAL_AGAIN;
		if (o->again < at)
			at = o->again;
		if (at < due)
			due = at;
		if (i == begun - 1 && begun < ntarget &&
		    begun - told < TRIAL_AT_ONCE &&
		    o->opened + TRIAL_STAGGER < due)
			due = o->opened + TRIAL_STAGGER;
	}
	return due;
}

static void
connected(uint32_t n, uint64_t now)
{
	struct one *o = &ones[n];

	if (o->said.connect == IPC_TRIAL_NONE)
		o->said.connect = taken(o);
	o->stage = TRIAL_HANDSHAKE;
	o->deadline = now + POOL_HANDSHAKE;
}

static void
doomed(uint32_t n, uint64_t now)
{
	ones[n].stage = TRIAL_DIAGNOSE;
	ones[n].deadline = now + POOL_CONNECT + POOL_HANDSHAKE;
}

static void
verified(uint32_t n, const struct upstream *u,
    const struct verify_result *result, struct tls *tls)
{
	struct one *o = &ones[n];

	o->result = *result;
	o->since = conn_began(n);
	o->said.handshake = taken(o);
	(void)snprintf(o->said.version, sizeof(o->said.version), "%s",
	    tls_conn_version(tls) != NULL ? tls_conn_version(tls) : "");
	(void)snprintf(o->said.cipher, sizeof(o->said.cipher), "%s",
	    tls_conn_cipher(tls) != NULL ? tls_conn_cipher(tls) : "");
	fill_chain(o, u);
}

static void
fill_chain(struct one *o, const struct upstream *u)
{
	struct ipc_trial_cert *to;
	const struct cert *from;
	uint32_t i, k;

	_Static_assert(IPC_TRIAL_CERTS >= VERIFY_CHAIN_MAX &&
		IPC_TRIAL_SUBJECT >= CERT_SUBJECT_MAX &&
		IPC_TRIAL_ENDS_MAX >= CERT_ENDS_MAX,
	    "what was verified fits");
	memset(o->said.cert, 0, sizeof(o->said.cert));
	o->said.ncert = (uint32_t)o->result.ncert;
	for (i = 0; i < o->said.ncert; i++) {
		from = &o->result.cert[i];
		to = &o->said.cert[i];
		memcpy(to->pin, from->pin, sizeof(to->pin));
		memcpy(to->subject, from->subject, sizeof(from->subject));
		to->ends = from->ends;
		for (k = 0; k < u->npin; k++)
			if (memcmp(u->pin[k], from->pin, CERT_PIN_LEN) == 0)
				to->pinned = 1;
	}
}

/* What this connection taught of its upstream, the next one must not profit
 * from: each is to verify its whole chain, and show it. */
static void
up(uint32_t n, uint64_t now)
{
	handshake_reset();
	ones[n].stage = TRIAL_ANSWER;
	ones[n].deadline = now + POOL_DEADLINE;
	ones[n].since = clock_us();
	ask(n, now);
}

/* The same question as before, so that any of its answers will do. */
static void
ask(uint32_t n, uint64_t now)
{
	struct one *o = &ones[n];
	struct dns_question question = question_for(o->said.upstream);

	if (upstreams->one[o->said.upstream].plain)
		o->again = now + TRIAL_ONCE_MORE;
	(void)conn_write(n, o->id, &question, DNS_ASK_RD);
	wrote = true;
}

/* Something it must know: the SOA of a zone that it is asked for, so that one
 * who knows that zone alone need not know the root. */
static struct dns_question
question_for(uint32_t upstream)
{
	const struct conf_zone *z = &upstreams->zone[0];
	struct dns_question q = { .type = DNS_TYPE_SOA, .class = DNS_CLASS_IN };
	uint32_t i, k;

	for (i = 1; i < upstreams->nzone; i++)
		for (k = 0; k < upstreams->zone[i].nupstream; k++)
			if (upstreams->zone[i].upstream[k] == upstream)
				z = &upstreams->zone[i];
	memcpy(q.name, z->name, z->name_len);
	q.name_len = z->name_len;
	return q;
}

/* The whole of a question is written at once. */
static void
room(uint32_t n)
{
	(void)n;
}

static bool
message(uint32_t n, uint8_t *msg, size_t len, uint64_t now)
{
	struct one *o = &ones[n];
	struct dns_question question = question_for(o->said.upstream);
	struct dns_answer answer;
	char text[64] = "";

	(void)now;
	if (!dns_answer_read(&answer, msg, len) || answer.id != o->id ||
	    !dns_question_equal(&answer.question, &question)) {
		o->strange = true;
		return true;
	}
	o->said.answer = taken(o);
	if (answer.rcode != DNS_NOERROR && answer.rcode != DNS_NXDOMAIN)
		(void)snprintf(text, sizeof(text), "it answered %s",
		    rcode_text(answer.rcode));
	finish(n, text);
	conn_close(n);
	return false;
}

static const char *
rcode_text(uint16_t rcode)
{
	static char text[16];

	switch (rcode) {
	case DNS_FORMERR:
		return "FORMERR";
	case DNS_SERVFAIL:
		return "SERVFAIL";
	case DNS_NOTIMP:
		return "NOTIMP";
	case DNS_REFUSED:
		return "REFUSED";
	default:
		(void)snprintf(text, sizeof(text), "RCODE%u", rcode);
		return text;
	}
}

static void
ended(uint32_t n, enum reason reason, const char *detail, uint64_t now)
{
	struct one *o = &ones[n];

	o->open = false;
	if (reason == REASON_NO_SOCKET && o->stage == TRIAL_CONNECT &&
	    now < o->deadline)
		return;
	if (reason_is_certificate(reason) && detail == NULL)
		detail = o->result.detail;
	fail(o, reason, detail);
}

static void
fail(struct one *o, enum reason reason, const char *detail)
{
	char text[IPC_TRIAL_TEXT];

	report_text(text, sizeof(text), reason, detail);
	finish((uint32_t)(o - ones), text);
}

/* text "": it did well. What is a library's is made printable. */
static void
finish(uint32_t n, const char *text)
{
	struct one *o = &ones[n];
	char *at = o->said.failure;

	(void)snprintf(at, sizeof(o->said.failure), "%s", text);
	for (; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	o->done = true;
	handshake_reset();
}

static uint32_t
taken(const struct one *o)
{
	uint64_t us = clock_us() - o->since;

	return us < IPC_TRIAL_NONE ? (uint32_t)us : IPC_TRIAL_NONE - 1;
}
