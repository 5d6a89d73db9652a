/* The harness of harness.h. It must never be linked into a program. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpriv/dns/reader.h"

#include "harness.h"

static void run_worker(int);
static void send_config(struct harness *);
static bool take_log(struct harness *, const struct ipc_message *);
static bool wait_for(int, short, int);
static void write_name(struct dns_writer *, const char *);

void
harness_start(struct harness *h)
{
	struct ipc_confined confined;
	struct ipc_message m;
	int fd[2];

	memset(h, 0, sizeof(*h));
	h->udp_size = CONF_UDP_SIZE;
	h->tcp_max = 64;
	h->tcp_each = 64;
	h->limit = (struct conf_limit){ .burst = 1,
		.prefix = 32,
		.prefix6 = 56,
		.memory = CONF_LIMIT_MEMORY,
		.zone_burst = 1,
		.zone_labels = 2,
		.amplification = CONF_AMPLIFICATION_MAX };
	h->limit.nexempt = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&h->limit.exempt[0], "127.0.0.0/8"));
	h->allow = "127.0.0.0/8";
	h->workers = 1;
	h->cache = -1;
	h->cache_times = 1;
	h->tls.fd = -1;
	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	ATF_REQUIRE((h->pid = fork()) != -1);
	if (h->pid == 0)
		run_worker(fd[1]);
	(void)close(fd[1]);
	ipc_init(&h->parent, fd[0], IPC_PARENT, IPC_WORKER, IPC_NEW);
	harness_expect(h, IPC_CONFINED, &m);
	memcpy(&confined, m.payload, sizeof(confined));
	h->layers = confined.layers;
	h->parent.state = IPC_CONFIG;
}

struct harness_socket *
harness_listen(struct harness *h, const char *address, enum ipc_proto proto)
{
	struct harness_socket *s = &h->socket[h->nsockets++];
	struct netaddr a;
	struct sockaddr_storage ss;
	socklen_t len;
	int one = 1, type;

	ATF_REQUIRE(h->nsockets <= HARNESS_SOCKETS);
	ATF_REQUIRE(netaddr_parse(&a, address));
	len = netaddr_to_sockaddr(&a, &ss);
	type = proto == IPC_UDP ? SOCK_DGRAM : SOCK_STREAM;
	s->fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ATF_REQUIRE(s->fd != -1);
	if (proto == IPC_UDP && netaddr_is_wildcard(&a)) {
		if (a.family == 4)
			ATF_REQUIRE_EQ(0,
			    setsockopt(s->fd, IPPROTO_IP, IP_PKTINFO, &one,
				sizeof(one)));
		else
			ATF_REQUIRE_EQ(0,
			    setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO,
				&one, sizeof(one)));
	}
	ATF_REQUIRE_EQ(0, bind(s->fd, (struct sockaddr *)&ss, len));
	if (proto == IPC_TCP)
		ATF_REQUIRE_EQ(0, listen(s->fd, 64));
	len = sizeof(ss);
	ATF_REQUIRE_EQ(0, getsockname(s->fd, (struct sockaddr *)&ss, &len));
	ATF_REQUIRE(
	    netaddr_from_sockaddr(&s->listen.address, (struct sockaddr *)&ss));
	s->listen.proto = proto;
	s->given_up = false;
	return s;
}

void
harness_misconfigure(struct harness *h)
{
	/* Or it might end before all is sent. */
	ATF_REQUIRE_EQ(0, kill(h->pid, SIGSTOP));
	send_config(h);
	ATF_REQUIRE_EQ(0, kill(h->pid, SIGCONT));
}

void
harness_configure(struct harness *h)
{
	struct ipc_generation g;
	struct ipc_message m;

	send_config(h);
	harness_expect(h, IPC_READY, &m);
	memcpy(&g, m.payload, sizeof(g));
	ATF_REQUIRE_EQ(h->generation, g.generation);
	h->parent.state = IPC_RUN;
}

void
harness_tls(struct harness *h)
{
	struct ipc_peer m = { 0 };
	int fd[2];

	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	ipc_close(&h->tls);
	ipc_init(&h->tls, fd[0], IPC_TLS, IPC_WORKER, IPC_RUN);
	h->questions.len = h->offset = 0;
	ATF_REQUIRE_EQ(0, ipc_send(&h->parent, IPC_PEER, &m, sizeof(m), fd[1]));
	(void)close(fd[1]);
}

void
harness_up(struct harness *h)
{
	harness_start(h);
	(void)harness_listen(h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(h, "127.0.0.1", IPC_TCP);
	harness_configure(h);
	harness_tls(h);
}

void
harness_expect(struct harness *h, enum ipc_type type, struct ipc_message *m)
{
	const char *wrong;
	int r;

	for (;;) {
		r = ipc_recv(&h->parent, &h->buffer, m, &wrong);
		if (r == 0) {
			if (!wait_for(h->parent.fd, POLLIN, HARNESS_WAIT_MS))
				atf_tc_fail("no %s of the worker; log: %s",
				    ipc_rule(type)->name, h->log);
			continue;
		}
		if (r != 1)
			atf_tc_fail("worker ended or broke a rule (%s), "
				    "instead of %s; log: %s",
			    wrong == NULL ? "gone" : wrong,
			    ipc_rule(type)->name, h->log);
		if (m->type == type)
			return;
		if (!take_log(h, m))
			atf_tc_fail("%s instead of %s", ipc_rule(m->type)->name,
			    ipc_rule(type)->name);
	}
}

void
harness_counters(struct harness *h, struct ipc_counters *counters)
{
	struct ipc_message m;

	ATF_REQUIRE_EQ(0, ipc_send(&h->parent, IPC_COUNT, NULL, 0, -1));
	harness_expect(h, IPC_COUNTERS, &m);
	memcpy(counters, m.payload, sizeof(*counters));
}

int
harness_end(struct harness *h)
{
	struct ipc_message m;
	const char *wrong;
	int status, r;

	while ((r = ipc_recv(&h->parent, &h->buffer, &m, &wrong)) >= 0)
		if (r == 1)
			(void)take_log(h, &m);
		else if (!wait_for(h->parent.fd, POLLIN, HARNESS_WAIT_MS))
			atf_tc_fail("the worker does not end");
	ATF_REQUIRE_EQ(h->pid, waitpid(h->pid, &status, 0));
	return status;
}

void
harness_stop(struct harness *h)
{
	ATF_REQUIRE_EQ(0, ipc_send(&h->parent, IPC_STOP, NULL, 0, -1));
	ATF_REQUIRE_EQ(0, harness_end(h));
}

void
harness_question(
    struct harness *h, struct ipc_query *q, struct dns_question *question)
{
	const uint8_t *name;

	if (!harness_has_question(h, HARNESS_WAIT_MS))
		atf_tc_fail("no question of the worker; log: %s", h->log);
	ATF_REQUIRE_EQ(1, ipc_query_next(&h->questions, &h->offset, q, &name));
	memset(question, 0, sizeof(*question));
	memcpy(question->name, name, q->name_len);
	question->name_len = q->name_len;
	question->type = q->type;
	question->class = q->class;
	ATF_REQUIRE(dns_question_is_valid(question));
}

bool
harness_has_question(struct harness *h, int ms)
{
	const char *wrong;
	int r;

	if (h->offset < h->questions.len)
		return true;
	for (;;) {
		r = ipc_recv(&h->tls, &h->batch, &h->questions, &wrong);
		if (r == 1) {
			h->offset = 0;
			return true;
		}
		h->questions.len = h->offset = 0;
		ATF_REQUIRE_EQ_MSG(
		    0, r, "channel: %s", wrong == NULL ? "gone" : wrong);
		if (!wait_for(h->tls.fd, POLLIN, ms))
			return false;
	}
}

void
harness_answer(struct harness *h, uint64_t id,
    const struct dns_question *question, unsigned int records)
{
	static uint8_t buf[DNS_MESSAGE_MAX];
	struct dns_writer w;
	unsigned int i;

	dns_writer_init(&w, buf, sizeof(buf));
	dns_write_u16(&w, 4711);
	dns_write_u16(&w, DNS_QR | DNS_RD | DNS_RA);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, (uint16_t)records);
	dns_write_u32(&w, 0);
	dns_write_bytes(&w, question->name, question->name_len);
	dns_write_u16(&w, question->type);
	dns_write_u16(&w, question->class);
	for (i = 0; i < records; i++) {
		dns_write_u16(&w, 0xc000 | DNS_HEADER_LEN);
		dns_write_u16(&w, DNS_TYPE_A);
		dns_write_u16(&w, DNS_CLASS_IN);
		dns_write_u32(&w, 300);
		dns_write_u16(&w, 4);
		dns_write_u32(&w, 0xc0000200 + i);
	}
	ATF_REQUIRE(!w.failed);
	harness_answer_raw(h, id, buf, w.pos);
}

void
harness_answer_raw(
    struct harness *h, uint64_t id, const uint8_t *msg, size_t len)
{
	static struct ipc_batch batch;
	struct ipc_answer a;
	int r;

	memset(&a, 0, sizeof(a));
	a.id = id;
	a.len = (uint16_t)len;
	a.kind = IPC_ANSWERED;
	ipc_batch_init(&batch, IPC_ANSWERS);
	ATF_REQUIRE(ipc_batch_add(&batch, &a, sizeof(a), msg, len));
	while ((r = ipc_batch_flush(&h->tls, &batch)) == -1 && errno == EAGAIN)
		ATF_REQUIRE(wait_for(h->tls.fd, POLLOUT, HARNESS_WAIT_MS));
	ATF_REQUIRE_EQ(0, r);
}

void
harness_fail(struct harness *h, uint64_t id, uint16_t ede, const char *text)
{
	static struct ipc_batch batch;
	struct ipc_answer a;

	memset(&a, 0, sizeof(a));
	a.id = id;
	a.ede = ede;
	a.len = (uint16_t)strlen(text);
	a.kind = IPC_FAILED;
	ipc_batch_init(&batch, IPC_ANSWERS);
	ATF_REQUIRE(ipc_batch_add(&batch, &a, sizeof(a), text, a.len));
	ATF_REQUIRE_EQ(0, ipc_batch_flush(&h->tls, &batch));
}

int
client_connect(const struct harness_socket *s)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(&s->listen.address, &ss);
	int fd, one = 1;

	fd = socket(ss.ss_family,
	    (s->listen.proto == IPC_UDP ? SOCK_DGRAM : SOCK_STREAM) |
		SOCK_CLOEXEC,
	    0);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	if (s->listen.proto == IPC_TCP)
		ATF_REQUIRE_EQ(0,
		    setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	return fd;
}

size_t
client_question(uint8_t buf[512], uint16_t id, const char *name, uint16_t edns)
{
	struct dns_writer w;

	dns_writer_init(&w, buf, 512);
	dns_write_u16(&w, id);
	dns_write_u16(&w, DNS_RD);
	dns_write_u16(&w, 1);
	dns_write_u32(&w, 0);
	dns_write_u16(&w, edns != 0);
	write_name(&w, name);
	dns_write_u16(&w, DNS_TYPE_A);
	dns_write_u16(&w, DNS_CLASS_IN);
	if (edns != 0) {
		dns_write_u8(&w, 0);
		dns_write_u16(&w, DNS_TYPE_OPT);
		dns_write_u16(&w, edns);
		dns_write_u32(&w, 0);
		dns_write_u16(&w, 0);
	}
	ATF_REQUIRE(!w.failed);
	return w.pos;
}

void
client_ask(
    int fd, enum ipc_proto proto, uint16_t id, const char *name, uint16_t edns)
{
	uint8_t buf[2 + 512];
	size_t len = client_question(buf + 2, id, name, edns);

	buf[0] = (uint8_t)(len >> 8);
	buf[1] = (uint8_t)len;
	if (proto == IPC_UDP)
		client_send(fd, buf + 2, len);
	else
		client_send(fd, buf, len + 2);
}

size_t
client_receive(int fd, enum ipc_proto proto, uint8_t buf[DNS_MESSAGE_MAX])
{
	uint8_t prefix[2];
	size_t len = 0, want = 2;
	uint8_t *to = prefix;
	ssize_t n;

	if (!wait_for(fd, POLLIN, HARNESS_WAIT_MS))
		atf_tc_fail("no answer");
	if (proto == IPC_UDP) {
		n = recv(fd, buf, DNS_MESSAGE_MAX, 0);
		ATF_REQUIRE_MSG(n > 0, "recv: %s", strerror(errno));
		return (size_t)n;
	}
	while (len < want) {
		if (!wait_for(fd, POLLIN, HARNESS_WAIT_MS))
			atf_tc_fail("half an answer");
		n = recv(fd, to + len, want - len, 0);
		if (n <= 0 && len == 0 && to == prefix)
			return 0;
		ATF_REQUIRE(n > 0);
		len += (size_t)n;
		if (to == prefix && len == want) {
			want = (size_t)prefix[0] << 8 | prefix[1];
			to = buf;
			len = 0;
		}
	}
	return want;
}

void
client_expect_close(int fd, int ms)
{
	char byte;

	if (!wait_for(fd, POLLIN, ms))
		atf_tc_fail("not closed");
	ATF_REQUIRE(recv(fd, &byte, 1, 0) <= 0);
}

void
client_send(int fd, const void *p, size_t len)
{
	ATF_REQUIRE_EQ((ssize_t)len, send(fd, p, len, MSG_NOSIGNAL));
}

uint16_t
message_id(const uint8_t *msg)
{
	return (uint16_t)(msg[0] << 8 | msg[1]);
}

uint16_t
message_rcode(const uint8_t *msg)
{
	return msg[3] & 0xf;
}

uint16_t
message_flags(const uint8_t *msg)
{
	return (uint16_t)(msg[2] << 8 | msg[3]);
}

uint16_t
message_ede(const uint8_t *msg, size_t len)
{
	struct dns_answer answer;

	ATF_REQUIRE(dns_answer_read(&answer, msg, len));
	return answer.nede == 0 ? DNS_EDE_NONE : answer.ede[0].code;
}

static void
run_worker(int fd)
{
	char path[PATH_MAX], folder[PATH_MAX + 8], self[PATH_MAX], *slash;
	const char *id = geteuid() == 0 ? "65534" : "0";
	ssize_t n;
	int i, null;

	/* obj/regress/worker/x_test -> obj/dotproxy-worker */
	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) == -1)
		_exit(98);
	self[n] = '\0';
	for (i = 0; i < 3; i++)
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
	if (snprintf(path, sizeof(path), "%s/dotproxy-worker", self) >=
	    (int)sizeof(path))
		_exit(98);
	if (getcwd(self, sizeof(self)) == NULL)
		_exit(98);
	(void)snprintf(folder, sizeof(folder), "%s/empty", self);
	(void)mkdir(folder, 0755);
	if ((null = open("/dev/null", O_RDWR)) == -1)
		_exit(98);
	/* Not over each other, whatever the numbers were. */
	fd = fcntl(fd, F_DUPFD, 10);
	for (i = 0; i < 3; i++)
		if (getenv("HARNESS_STDERR") == NULL || i != 2)
			(void)dup2(null, i);
	(void)dup2(fd, IPC_PARENT_FD);
	closefrom(IPC_PARENT_FD + 1);
	(void)execl(path, "dotproxy-worker", "-u", id, "-g", id, "-r", folder,
	    "-n", "256", (char *)NULL);
	_exit(99);
}

static void
send_config(struct harness *h)
{
	struct ipc_generation g = { ++h->generation };
	struct ipc_conf_worker conf;
	struct netaddr allow;
	uint32_t i, n = 0;

	for (i = 0; i < h->nsockets; i++)
		n += !h->socket[i].given_up;
	memset(&conf, 0, sizeof(conf));
	conf.generation = h->generation;
	conf.index = h->index;
	conf.workers = h->workers;
	conf.ttl_max = 86400;
	conf.ttl_negative = 3600;
	conf.stale = 86400;
	conf.nallow = 1;
	conf.nlisten = n;
	conf.udp_size = h->udp_size;
	conf.tcp_max = h->tcp_max;
	conf.tcp_each = h->tcp_each;
	conf.verbose = 1;
	ATF_REQUIRE_EQ(
	    0, ipc_send(&h->parent, IPC_CONF_WORKER, &conf, sizeof(conf), -1));
	ATF_REQUIRE(netaddr_parse_prefix(&allow, h->allow));
	ATF_REQUIRE_EQ(
	    0, ipc_send(&h->parent, IPC_ALLOW, &allow, sizeof(allow), -1));
	ATF_REQUIRE_EQ(0,
	    ipc_send(&h->parent, IPC_LIMIT, &h->limit, sizeof(h->limit), -1));
	if (h->cache != -1 && h->generation == 1)
		harness_cache(h);
	for (i = 0; i < h->nsockets; i++)
		if (!h->socket[i].given_up)
			ATF_REQUIRE_EQ(0,
			    ipc_send(&h->parent, IPC_LISTEN,
				&h->socket[i].listen,
				sizeof(h->socket[i].listen), h->socket[i].fd));
	ATF_REQUIRE_EQ(0, ipc_send(&h->parent, IPC_COMMIT, &g, sizeof(g), -1));
}

void
harness_cache(struct harness *h)
{
	struct ipc_cache m = { h->cache_size, { 47, 11 } };
	uint32_t i;

	for (i = 0; i < h->cache_times; i++)
		ATF_REQUIRE_EQ(0,
		    ipc_send(&h->parent, IPC_CACHE, &m, sizeof(m), h->cache));
}

static bool
take_log(struct harness *h, const struct ipc_message *m)
{
	size_t used = strlen(h->log);

	if (m->type != IPC_LOG)
		return false;
	(void)snprintf(h->log + used, sizeof(h->log) - used, "%.*s\n",
	    (int)(m->len - sizeof(struct ipc_log)),
	    (const char *)m->payload + sizeof(struct ipc_log));
	return true;
}

static bool
wait_for(int fd, short events, int ms)
{
	struct pollfd p = { fd, events, 0 };
	int r;

	do
		r = poll(&p, 1, ms);
	while (r == -1 && errno == EINTR);
	return r == 1;
}

static void
write_name(struct dns_writer *w, const char *name)
{
	const char *dot;

	for (; *name != '\0' && (dot = strchr(name, '.')) != NULL;
	     name = dot + 1) {
		dns_write_u8(w, (uint8_t)(dot - name));
		dns_write_bytes(w, name, (size_t)(dot - name));
	}
	dns_write_u8(w, 0);
}
