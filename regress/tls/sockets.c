/* The sockets of plain upstreams, under the script. */
#include "sockets.h"

bool is_open[POOL_CONNS];
size_t seen_opened;
static size_t seen_closed;

void
open_sockets(void)
{
	size_t before;

	do {
		before = s.nopened;
		for (; seen_opened < s.nopened; seen_opened++) {
			is_open[s.opened[seen_opened]] = true;
			up(s.opened[seen_opened]);
		}
		(void)turn();
	} while (s.nopened > before);
	for (; seen_closed < s.nclosed; seen_closed++)
		is_open[s.closed[seen_closed]] = false;
}

void
asked_and_answered(uint64_t id, const char *name)
{
	size_t n = s.nwritten;

	ask(0, id, name);
	open_sockets();
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	answer_to(n);
	open_sockets();
}

void
begin_sockets(void)
{
	uint64_t id;
	char name[32];

	begin_plain(1, 1);
	for (id = 1; id <= SOCKETS; id++) {
		(void)snprintf(
		    name, sizeof(name), "n%u.example.", (unsigned int)id);
		asked_and_answered(id, name);
	}
	ATF_REQUIRE_EQ(SOCKETS, s.nopened);
}

void
refuse_tcp(void)
{
	size_t n = s.nwritten, opened = s.nopened;

	ask(0, 99, "big.example.");
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	ATF_CHECK(say(s.written[n].conn, s.written[n].id,
	    &s.written[n].question, DNS_QR | DNS_TC));
	(void)turn();
	ATF_REQUIRE_EQ(opened + 1, s.nopened);
	end(s.opened[opened], REASON_REFUSED);
	seen_opened = s.nopened;
}
