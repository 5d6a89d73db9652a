/*
 * The parent's and the workers' side of a test of dotproxy-tls. It answers as
 * the real ones do, and takes down everything it is told.
 */
#include <arpa/inet.h>
#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dotproxy/clock.h"

#include "harness.h"

static void run_program(int);
static void pump(struct harness *, int);
static void take_parent(struct harness *);
static void take(struct harness *, const struct ipc_message *);
static void take_worker(struct harness *, uint32_t);
static void make_connection(struct harness *, const struct ipc_connect *);
static int connecting(const struct netaddr *);
static void tell(struct harness *, enum ipc_type, const void *, size_t, int);
static void
send_upstream(struct harness *, const struct harness_upstream *, uint32_t);
static int memfd(const char *);
static size_t wire_name(uint8_t[255], const char *);

#define WAIT_FOR(h, cond)                                                      \
	do {                                                                   \
		uint64_t until_ = clock_ms() + HARNESS_WAIT_MS;                \
		while (!(cond)) {                                              \
			if (clock_ms() >= until_)                              \
				atf_tc_fail("%s did not come; the log: %s",    \
				    #cond, (h)->log);                          \
			pump(h, 50);                                           \
		}                                                              \
	} while (0)

void
harness_start(struct harness *h)
{
	int fd[2];

	memset(h, 0, sizeof(*h));
	h->worker[0].fd = h->worker[1].fd = -1;
	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	h->pid = fork();
	ATF_REQUIRE(h->pid != -1);
	if (h->pid == 0)
		run_program(fd[1]);
	(void)close(fd[1]);
	ipc_init(&h->parent, fd[0], IPC_PARENT, IPC_TLS, IPC_NEW);
	WAIT_FOR(h, h->layers != 0);
}

void
harness_kill(struct harness *h)
{
	size_t i;

	if (!h->ended) {
		(void)kill(h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
	}
	for (i = 0; i < h->nserver; i++) {
		(void)kill(h->server[i], SIGTERM);
		(void)waitpid(h->server[i], NULL, 0);
	}
}

void
harness_send_config(
    struct harness *h, const struct harness_upstream *upstream, uint32_t n)
{
	struct ipc_conf_tls head = { ++h->generation, n, 1, 1, 0 };
	struct ipc_zone zone = { .nupstream = n, .name_len = 1 };
	struct ipc_generation commit = { h->generation };
	uint32_t i;

	h->upstream = upstream;
	tell(h, IPC_CONF_TLS, &head, sizeof(head), -1);
	for (i = 0; i < n; i++)
		send_upstream(h, &upstream[i], i);
	for (i = 0; i < n; i++)
		zone.upstream[i] = (uint8_t)i;
	tell(h, IPC_ZONE, &zone, sizeof(zone), -1);
	tell(h, IPC_COMMIT, &commit, sizeof(commit), -1);
}

void
harness_configure(
    struct harness *h, const struct harness_upstream *upstream, uint32_t n)
{
	harness_send_config(h, upstream, n);
	WAIT_FOR(h, h->ready == h->generation);
}

void
harness_peer(struct harness *h, uint32_t worker)
{
	struct ipc_peer peer = { worker };
	int fd[2];

	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	tell(h, IPC_PEER, &peer, sizeof(peer), fd[1]);
	(void)close(fd[1]);
	if (h->worker[worker].fd != -1)
		ipc_close(&h->worker[worker]);
	ipc_init(&h->worker[worker], fd[0], IPC_WORKER, IPC_TLS, IPC_RUN);
}

void
harness_ask(struct harness *h, uint32_t worker, uint64_t id, const char *name)
{
	uint8_t payload[sizeof(struct ipc_query) + 255];
	struct ipc_query q = { .id = id, .type = 1, .class = 1, .ask = 1 };

	q.name_len = (uint8_t)wire_name(&payload[sizeof(q)], name);
	memcpy(payload, &q, sizeof(q));
	ATF_REQUIRE_EQ(0,
	    ipc_send(&h->worker[worker], IPC_QUERIES, payload,
		sizeof(q) + q.name_len, -1));
}

void
harness_answers(struct harness *h, size_t n)
{
	WAIT_FOR(h, h->nanswer >= n);
}

void
harness_log(struct harness *h, const char *text)
{
	WAIT_FOR(h, strstr(h->log, text) != NULL);
}

void
harness_broken(struct harness *h)
{
	WAIT_FOR(h, h->broken);
}

void
harness_run(struct harness *h, int ms)
{
	uint64_t until = clock_ms() + (uint64_t)ms, now;

	while (!h->ended && (now = clock_ms()) < until)
		pump(h, (int)(until - now));
}

int
harness_end(struct harness *h)
{
	int status;

	WAIT_FOR(h, h->ended);
	ATF_REQUIRE_EQ(h->pid, waitpid(h->pid, &status, 0));
	return status;
}

void
harness_count(struct harness *h)
{
	h->counted = false;
	tell(h, IPC_COUNT, NULL, 0, -1);
	WAIT_FOR(h, h->counted);
}

const struct harness_answer *
harness_answer_of(struct harness *h, uint32_t worker, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->nanswer; i++)
		if (h->answer[i].worker == worker && h->answer[i].id == id)
			return &h->answer[i];
	atf_tc_fail(
	    "worker %u has no answer %llu", worker, (unsigned long long)id);
}

struct netaddr
harness_nobody(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct netaddr a;
	int fd;

	/* Bound and closed again: nobody else is given it so soon. */
	ATF_REQUIRE(netaddr_parse(&a, "127.0.0.1"));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)netaddr_to_sockaddr(&a, &ss);
	ATF_REQUIRE_EQ(
	    0, bind(fd, (struct sockaddr *)&ss, sizeof(struct sockaddr_in)));
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&ss, &len));
	(void)close(fd);
	ATF_REQUIRE(netaddr_from_sockaddr(&a, (struct sockaddr *)&ss));
	return a;
}

/* The new process. Its chroot is an empty folder in the test's own. */
static void
run_program(int channel)
{
	char id[16], folder[4096 + 8], path[4096 + 16], self[4096], *slash;
	uid_t uid = getuid() == 0 ? 65534 : getuid();
	ssize_t n;
	int null, i;

	/* obj/regress/tls/x_test -> obj/dotproxy-tls */
	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) == -1)
		_exit(126);
	self[n] = '\0';
	for (i = 0; i < 3; i++)
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
	(void)snprintf(path, sizeof(path), "%s/dotproxy-tls", self);
	if (getcwd(self, sizeof(self)) == NULL)
		_exit(126);
	(void)snprintf(folder, sizeof(folder), "%s/empty", self);
	(void)mkdir(folder, 0755);
	(void)snprintf(id, sizeof(id), "%u", (unsigned int)uid);
	if (channel == IPC_PARENT_FD)
		channel = dup(channel);
	null = open("/dev/null", O_RDWR);
	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
#ifndef DOTPROXY_SANITIZE
	    dup2(null, 2) == -1 ||
#endif
	    dup2(channel, IPC_PARENT_FD) == -1 ||
	    close_range(IPC_PARENT_FD + 1, ~0U, 0) == -1)
		_exit(126);
	(void)execl(path, "dotproxy-tls", "-u", id, "-g", id, "-r", folder,
	    "-n", "512", (char *)NULL);
	_exit(127);
}

static void
pump(struct harness *h, int ms)
{
	struct pollfd pfd[1 + HARNESS_WORKERS];
	uint32_t i;

	pfd[0].fd = h->ended ? -1 : h->parent.fd;
	for (i = 0; i < HARNESS_WORKERS; i++)
		pfd[1 + i].fd = h->worker[i].fd;
	for (i = 0; i < 1 + HARNESS_WORKERS; i++)
		pfd[i].events = POLLIN;
	if (poll(pfd, 1 + HARNESS_WORKERS, ms) <= 0)
		return;
	if (pfd[0].revents != 0)
		take_parent(h);
	for (i = 0; i < HARNESS_WORKERS; i++)
		if (pfd[1 + i].revents != 0)
			take_worker(h, i);
}

static void
take_parent(struct harness *h)
{
	struct ipc_message m;
	const char *wrong;
	int n;

	while ((n = ipc_recv(&h->parent, &h->buffer, &m, &wrong)) == 1)
		take(h, &m);
	if (n == -1)
		h->ended = true;
	if (n == -2)
		atf_tc_fail("dotproxy-tls broke a rule: %s", wrong);
}

static void
take(struct harness *h, const struct ipc_message *m)
{
	const struct ipc_confined *confined = m->payload;
	const struct ipc_generation *ready = m->payload;
	const struct ipc_refused *refused = m->payload;
	size_t at = strlen(h->log);

	switch (m->type) {
	case IPC_LOG:
		(void)snprintf(&h->log[at], sizeof(h->log) - at, "%.*s\n",
		    (int)(m->len - sizeof(struct ipc_log)),
		    (const char *)m->payload + sizeof(struct ipc_log));
		break;
	case IPC_CONFINED:
		h->layers = confined->layers;
		h->parent.state = IPC_CONFIG;
		break;
	case IPC_READY:
		h->ready = ready->generation;
		h->parent.state = IPC_RUN;
		break;
	case IPC_CONNECT:
		make_connection(h, m->payload);
		break;
	case IPC_COUNTERS:
		memcpy(&h->counters, m->payload, sizeof(h->counters));
		h->counted = true;
		break;
	case IPC_REFUSED:
		atf_tc_fail("system call %u was refused", refused->nr);
		break;
	case IPC_BROKEN:
		h->broken = true;
		break;
	default:
		atf_tc_fail("message %d was not expected", (int)m->type);
	}
}

static void
take_worker(struct harness *h, uint32_t worker)
{
	struct harness_answer *to;
	struct ipc_answer a;
	struct ipc_message m;
	const uint8_t *body;
	const char *wrong;
	size_t offset;
	int n, more;

	while (
	    (n = ipc_recv(&h->worker[worker], &h->buffer, &m, &wrong)) == 1) {
		offset = 0;
		while ((more = ipc_answer_next(&m, &offset, &a, &body)) == 1) {
			ATF_REQUIRE(h->nanswer < HARNESS_ANSWERS);
			to = &h->answer[h->nanswer++];
			to->worker = worker;
			to->id = a.id;
			to->kind = (enum ipc_answer_kind)a.kind;
			to->ede = a.ede;
			to->len = a.len;
			memset(to->body, 0, sizeof(to->body));
			memcpy(to->body, body,
			    a.len < sizeof(to->body) ? a.len
						     : sizeof(to->body) - 1);
		}
		ATF_REQUIRE_EQ(0, more);
	}
	if (n == -1)
		ipc_close(&h->worker[worker]);
	else
		ATF_REQUIRE_EQ(0, n);
}

static void
make_connection(struct harness *h, const struct ipc_connect *want)
{
	struct ipc_socket answer = { want->serial, 0 };
	int fd = -1;

	h->connects++;
	if (want->generation != h->generation)
		answer.error = ESTALE;
	else if (want->transport != IPC_TCP)
		answer.error = EPROTOTYPE;
	else if (h->refuse != 0)
		answer.error = (uint32_t)h->refuse;
	else {
		ATF_REQUIRE(
		    want->address < h->upstream[want->upstream].naddress);
		fd = connecting(
		    &h->upstream[want->upstream].address[want->address]);
	}
	tell(h, IPC_SOCKET, &answer, sizeof(answer), fd);
	if (fd != -1)
		(void)close(fd);
}

static int
connecting(const struct netaddr *a)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(a, &ss);
	int fd, on = 1;

	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ATF_REQUIRE(fd != -1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&ss, len) == -1)
		ATF_REQUIRE(errno == EINPROGRESS);
	return fd;
}

static void
tell(struct harness *h, enum ipc_type type, const void *payload, size_t len,
    int fd)
{
	if (ipc_send(&h->parent, type, payload, len, fd) == -1)
		/* It may have ended for what it was sent before. */
		ATF_REQUIRE(errno == EPIPE || errno == ECONNRESET);
}

static void
send_upstream(
    struct harness *h, const struct harness_upstream *u, uint32_t index)
{
	struct ipc_upstream head;
	struct ipc_address address;
	struct ipc_pin pin;
	uint32_t i;
	int fd;

	memset(&head, 0, sizeof(head));
	head.index = index;
	head.naddress = u->naddress;
	head.npin = u->npin;
	memcpy(head.name, u->name, strlen(u->name));
	memcpy(head.host, u->host, strlen(u->host));
	fd = memfd(u->ca);
	tell(h, IPC_UPSTREAM, &head, sizeof(head), fd);
	(void)close(fd);
	for (i = 0; i < u->naddress; i++) {
		memset(&address, 0, sizeof(address));
		address.upstream = index;
		address.index = i;
		address.address = u->address[i];
		tell(h, IPC_ADDRESS, &address, sizeof(address), -1);
	}
	for (i = 0; i < u->npin; i++) {
		memset(&pin, 0, sizeof(pin));
		pin.upstream = index;
		pin.index = i;
		pki_pin(u->pin[i], pin.pin);
		tell(h, IPC_PIN, &pin, sizeof(pin), -1);
	}
}

static int
memfd(const char *text)
{
	int fd = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ((ssize_t)strlen(text), write(fd, text, strlen(text)));
	ATF_REQUIRE_EQ(0,
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL));
	return fd;
}

/* "www.example.com." on the wire. */
static size_t
wire_name(uint8_t out[255], const char *name)
{
	size_t n = 0, label;

	for (; *name != '\0'; name += label + 1) {
		label = strcspn(name, ".");
		out[n++] = (uint8_t)label;
		memcpy(&out[n], name, label);
		n += label;
	}
	out[n++] = 0;
	return n;
}
