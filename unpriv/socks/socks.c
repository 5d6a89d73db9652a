/*
 * The exchange with a SOCKS5 proxy. Each piece is read by its exact length,
 * and a piece that is not as the RFC has it ends the exchange.
 */
#include <string.h>

#include "socks.h"

#define VERSION	     5 /* RFC 1928 3 */
#define NO_METHOD    0xff
#define METHOD_NONE  0
#define METHOD_USER  2
#define CONNECT	     1 /* RFC 1928 4 */
#define ADDRESS_V4   1 /* RFC 1928 5 */
#define ADDRESS_NAME 3
#define ADDRESS_V6   4
#define AUTH_VERSION 1 /* RFC 1929 2 */

#define REPLY_HEAD   4

static void take(struct socks *);
static void take_method(struct socks *);
static void take_auth(struct socks *);
static void take_reply(struct socks *);
static void ask_user(struct socks *);
static void ask_target(struct socks *);
static void await(struct socks *, enum socks_state, size_t);
static void put(struct socks *, const void *, size_t);
static void put_byte(struct socks *, uint8_t);
static void fail(struct socks *, uint32_t);

const char *
socks_wrong(const struct ipc_proxy *want)
{
	if (!netaddr_is_valid(&want->target) || want->target.port == 0)
		return "a target that is none";
	if (!ipc_string_is_valid(want->user, sizeof(want->user)) ||
	    !ipc_string_is_valid(want->password, sizeof(want->password)))
		return "a user or password that is none";
	return NULL;
}

void
socks_begin(struct socks *s, const struct ipc_proxy *want)
{
	memset(s, 0, sizeof(*s));
	s->want = *want;
	put_byte(s, VERSION);
	if (want->user[0] != '\0') {
		put_byte(s, 2);
		put_byte(s, METHOD_USER);
	} else
		put_byte(s, 1);
	put_byte(s, METHOD_NONE);
	await(s, SOCKS_METHOD, 2);
}

void
socks_sent(struct socks *s, size_t n)
{
	if (n > s->out_len)
		n = s->out_len;
	memmove(s->out, &s->out[n], s->out_len - n);
	s->out_len -= n;
}

uint8_t *
socks_room(struct socks *s, size_t *room)
{
	*room = s->out_len > 0 || s->state >= SOCKS_DONE
	    ? 0
	    : s->in_want - s->in_len;
	return &s->in[s->in_len];
}

void
socks_received(struct socks *s, size_t n)
{
	size_t room;

	(void)socks_room(s, &room);
	if (n == 0 || n > room) {
		fail(s, IPC_PROXY_GARBAGE);
		return;
	}
	s->in_len += n;
	if (s->in_len == s->in_want)
		take(s);
}

/* A piece is whole. */
static void
take(struct socks *s)
{
	switch (s->state) {
	case SOCKS_METHOD:
		take_method(s);
		break;
	case SOCKS_AUTH:
		take_auth(s);
		break;
	case SOCKS_REPLY:
		take_reply(s);
		break;
	case SOCKS_NAME: /* the name, and a port */
		await(s, SOCKS_REST, s->in[0] + 2U);
		break;
	default:
		s->state = SOCKS_DONE;
	}
}

/* One that was not offered would be an exchange that we do not know. */
static void
take_method(struct socks *s)
{
	if (s->in[0] != VERSION)
		fail(s, IPC_PROXY_GARBAGE);
	else if (s->in[1] == METHOD_NONE)
		ask_target(s);
	else if (s->in[1] == METHOD_USER && s->want.user[0] != '\0')
		ask_user(s);
	else if (s->in[1] == NO_METHOD)
		fail(s, IPC_PROXY_METHOD);
	else
		fail(s, IPC_PROXY_GARBAGE);
}

static void
ask_user(struct socks *s)
{
	size_t user = strlen(s->want.user);
	size_t password = strlen(s->want.password);

	put_byte(s, AUTH_VERSION);
	put_byte(s, (uint8_t)user);
	put(s, s->want.user, user);
	put_byte(s, (uint8_t)password);
	put(s, s->want.password, password);
	await(s, SOCKS_AUTH, 2);
}

static void
take_auth(struct socks *s)
{
	if (s->in[0] != AUTH_VERSION)
		fail(s, IPC_PROXY_GARBAGE);
	else if (s->in[1] != 0)
		fail(s, IPC_PROXY_AUTH);
	else
		ask_target(s);
}

static void
ask_target(struct socks *s)
{
	const struct netaddr *to = &s->want.target;

	put_byte(s, VERSION);
	put_byte(s, CONNECT);
	put_byte(s, 0);
	put_byte(s, to->family == 4 ? ADDRESS_V4 : ADDRESS_V6);
	put(s, to->bytes, to->family == 4 ? 4 : 16);
	put_byte(s, (uint8_t)(to->port >> 8));
	put_byte(s, (uint8_t)to->port);
	await(s, SOCKS_REPLY, REPLY_HEAD);
}

/* Of a refusal the rest is not waited for: some proxies send none. */
static void
take_reply(struct socks *s)
{
	if (s->in[0] != VERSION)
		fail(s, IPC_PROXY_GARBAGE);
	else if (s->in[1] != 0)
		fail(s, (uint32_t)IPC_PROXY_REPLY + s->in[1]);
	else if (s->in[3] == ADDRESS_V4)
		await(s, SOCKS_REST, 4 + 2);
	else if (s->in[3] == ADDRESS_V6)
		await(s, SOCKS_REST, 16 + 2);
	else if (s->in[3] == ADDRESS_NAME)
		await(s, SOCKS_NAME, 1);
	else
		fail(s, IPC_PROXY_GARBAGE);
}

static void
await(struct socks *s, enum socks_state state, size_t len)
{
	s->state = state;
	s->in_len = 0;
	s->in_want = len;
}

static void
put(struct socks *s, const void *bytes, size_t len)
{
	memcpy(&s->out[s->out_len], bytes, len);
	s->out_len += len;
}

static void
put_byte(struct socks *s, uint8_t byte)
{
	s->out[s->out_len++] = byte;
}

static void
fail(struct socks *s, uint32_t error)
{
	s->state = SOCKS_FAILED;
	s->error = error;
	s->out_len = 0;
}
