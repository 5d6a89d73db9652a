/*
 * libFuzzer: any bytes as what a SOCKS5 proxy says, in pieces of any size. The
 * first byte chooses the pieces, and whether there is a user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/socks/socks.h"

/* Method, log-in, reply with the longest name: nothing is read beyond. */
#define READ_MAX (2 + 2 + 4 + 1 + 255 + 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t end_of_exchange(const uint8_t *, size_t, bool);
static void must(bool, const char *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipc_proxy want = { .target = {
				      .family = 4, .bits = 32, .port = 853 } };
	struct socks s;
	uint8_t *to;
	size_t room, n, at = 1;
	bool user;

	if (size == 0)
		return 0;
	if ((user = (data[0] & 1) != 0)) {
		memset(want.user, 'u', data[0]);
		memset(want.password, 'p', CONF_SOCKS_MAX - 1);
	}
	must(socks_wrong(&want) == NULL, "a request that is one");
	socks_begin(&s, &want);
	while (s.state < SOCKS_DONE) {
		must(s.out_len <= sizeof(s.out), "room to send from");
		socks_sent(&s, s.out_len < 7 ? s.out_len : 7);
		to = socks_room(&s, &room);
		if (room == 0) {
			must(s.out_len > 0, "it waits for nothing");
			continue;
		}
		must(to >= s.in && to + room <= s.in + sizeof(s.in), "room");
		n = data[0] / 2U + 1;
		n = n < room ? n : room;
		n = n < size - at ? n : size - at;
		if (n == 0)
			break;
		memcpy(to, &data[at], n);
		socks_received(&s, n);
		at += n;
	}
	must(at - 1 <= READ_MAX, "more was read than a proxy may say");
	must((s.state == SOCKS_FAILED) ==
		(s.state > SOCKS_DONE && ipc_proxy_error_is_valid(s.error)),
	    "it failed of something");
	n = end_of_exchange(&data[1], size - 1, user);
	must((s.state == SOCKS_DONE) == (n != 0), "both say it is done");
	must(n == 0 || n == at - 1, "both read to the same byte");
	return 0;
}

/* How long a good exchange is; 0: it is none. Read at once, in another way. */
static size_t
end_of_exchange(const uint8_t *p, size_t len, bool user)
{
	size_t at = 2;

	if (len < 2 || p[0] != 5)
		return 0;
	if (p[1] == 2 && user) {
		if (len < 4 || p[2] != 1 || p[3] != 0)
			return 0;
		at = 4;
	} else if (p[1] != 0)
		return 0;
	if (len < at + 5 || p[at] != 5 || p[at + 1] != 0)
		return 0;
	switch (p[at + 3]) {
	case 1:
		at += 4 + 4 + 2;
		break;
	case 3:
		at += 4 + 1 + p[at + 4] + 2U;
		break;
	case 4:
		at += 4 + 16 + 2;
		break;
	default:
		return 0;
	}
	return at <= len ? at : 0;
}

static void
must(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}
