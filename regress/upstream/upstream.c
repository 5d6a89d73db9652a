/*
 * A DNS-over-TLS upstream for tests and benches, which misbehaves as it is
 * told. Listens on loopback alone unless -a says otherwise, and never outlives
 * its time (-t).
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "upstream.h"

struct options {
	const char *cert, *key, *address, *log_file;
	unsigned port, lifetime;
	bool stdin_end, verbose, tls12;
};

/* One table of the faults: what it is called, and where it is kept. */
#define NUMBER(name, field)                                                    \
	{                                                                      \
		name, required_argument, offsetof(struct faults, field)        \
	}
#define SWITCH(name, field)                                                    \
	{                                                                      \
		name, no_argument, offsetof(struct faults, field)              \
	}
static const struct fault {
	const char *name;
	int argument;
	size_t at;
} fault_table[] = {
	NUMBER("close-idle", close_idle),
	NUMBER("close-after", close_after),
	NUMBER("reset-after", reset_after),
	NUMBER("half-after", half_after),
	NUMBER("half-stall-after", half_stall_after),
	NUMBER("stall-after", stall_after),
	NUMBER("garbage-stream", garbage_stream),
	NUMBER("late-every", late_every), /* and a second one: ms */
	NUMBER("pause-every", pause_every), /* so, too */
	NUMBER("wrong-id-every", wrong_id_every),
	NUMBER("wrong-question-every", wrong_question_every),
	NUMBER("servfail-every", servfail_every),
	NUMBER("garbage-every", garbage_every),
	NUMBER("refuse-after", refuse_after),
	NUMBER("delay", delay),
	SWITCH("no-notify", no_notify),
	SWITCH("instead", instead),
	SWITCH("stall-all", stall_all),
	SWITCH("out-of-order", out_of_order),
	SWITCH("drip", drip),
	SWITCH("reuse-loss", reuse_loss),
	SWITCH("handshake-stall", handshake_stall),
};
#define NFAULTS (sizeof(fault_table) / sizeof(fault_table[0]))

/* After those of the table. */
enum { OPTION_STDIN = 1000, OPTION_TLS12, OPTION_LOG };

static void parse(struct options *, struct faults *, int, char **);
static void set_fault(struct faults *, const struct fault *, int, char **);
static bool has_time(const struct fault *);
static unsigned number(const char *, unsigned);
static struct tls *tls_of(const struct options *);
static int listen_on(const struct options *);
static void watch(struct server *, const struct options *, int);
static void accepted(evutil_socket_t, short, void *);
static void told_to_end(evutil_socket_t, short, void *);
static void told_to_report(evutil_socket_t, short, void *);
static void print_totals(const struct server *);
static void usage(void) __attribute__((noreturn));

static struct event *listening;

int
main(int argc, char *argv[])
{
	struct options options = { .address = "127.0.0.1", .lifetime = 900 };
	static struct server server;

	parse(&options, &server.faults, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (options.log_file != NULL) {
		if ((server.log = fopen(options.log_file, "a")) == NULL)
			err(1, "%s", options.log_file);
		setvbuf(server.log, NULL, _IOLBF, 0);
	} else if (options.verbose)
		server.log = stdout;
	if ((server.base = event_base_new()) == NULL)
		errx(1, "event_base_new");
	server.tls = tls_of(&options);
	watch(&server, &options, listen_on(&options));
	event_base_dispatch(server.base);
	print_totals(&server);
	return 0;
}

static void
parse(struct options *o, struct faults *faults, int argc, char **argv)
{
	struct option table[NFAULTS + 4] = { 0 };
	size_t i;
	int c;

	for (i = 0; i < NFAULTS; i++) {
		table[i].name = fault_table[i].name;
		table[i].has_arg = fault_table[i].argument;
		table[i].val = 256 + (int)i;
	}
	table[i++] =
	    (struct option){ "stdin", no_argument, NULL, OPTION_STDIN };
	table[i++] =
	    (struct option){ "tls12", no_argument, NULL, OPTION_TLS12 };
	table[i++] =
	    (struct option){ "log", required_argument, NULL, OPTION_LOG };
	while (
	    (c = getopt_long(argc, argv, "+a:c:k:p:t:v", table, NULL)) != -1) {
		if (c >= 256 && c < 256 + (int)NFAULTS) {
			set_fault(faults, &fault_table[c - 256], argc, argv);
			continue;
		}
		switch (c) {
		case 'a':
			o->address = optarg;
			break;
		case 'c':
			o->cert = optarg;
			break;
		case 'k':
			o->key = optarg;
			break;
		case 'p':
			o->port = number(optarg, 65535);
			break;
		case 't':
			o->lifetime = number(optarg, 86400);
			break;
		case 'v':
			o->verbose = true;
			break;
		case OPTION_STDIN:
			o->stdin_end = true;
			break;
		case OPTION_TLS12:
			o->tls12 = true;
			break;
		case OPTION_LOG:
			o->log_file = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || o->cert == NULL || o->key == NULL)
		usage();
}

static void
set_fault(
    struct faults *faults, const struct fault *fault, int argc, char **argv)
{
	unsigned n;
	bool yes = true;

	if (fault->argument == no_argument) {
		memcpy((char *)faults + fault->at, &yes, sizeof(yes));
		return;
	}
	n = number(optarg, 1000000000);
	memcpy((char *)faults + fault->at, &n, sizeof(n));
	if (!has_time(fault))
		return;
	if (optind >= argc)
		usage();
	n = number(argv[optind++], 1000000);
	if (fault->at == offsetof(struct faults, late_every))
		faults->late_by = n;
	else
		faults->pause_for = n;
}

static bool
has_time(const struct fault *fault)
{
	return fault->at == offsetof(struct faults, late_every) ||
	    fault->at == offsetof(struct faults, pause_every);
}

static unsigned
number(const char *text, unsigned max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n > max)
		errx(2, "%s: not a number from 0 to %u", text, max);
	return (unsigned)n;
}

static struct tls *
tls_of(const struct options *o)
{
	struct tls_config *config;
	struct tls *tls;

	if ((config = tls_config_new()) == NULL || (tls = tls_server()) == NULL)
		errx(1, "libtls: out of memory");
	if (tls_config_set_keypair_file(config, o->cert, o->key) == -1 ||
	    tls_config_set_alpn(config, "dot") == -1 ||
	    tls_config_set_protocols(config,
		o->tls12 ? TLS_PROTOCOL_TLSv1_2 : TLS_PROTOCOLS_DEFAULT) == -1)
		errx(1, "%s", tls_config_error(config));
	if (tls_configure(tls, config) == -1)
		errx(1, "%s", tls_error(tls));
	tls_config_free(config);
	return tls;
}

/* Prints the port when the kernel has taken it: that is readiness. */
static int
listen_on(const struct options *o)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_storage bound;
	struct sockaddr *address = (struct sockaddr *)&in4;
	socklen_t len = sizeof(in4), bound_len = sizeof(bound);
	uint16_t port;
	int fd, one = 1;

	in4.sin_port = in6.sin6_port = htons((uint16_t)o->port);
	if (inet_pton(AF_INET6, o->address, &in6.sin6_addr) == 1) {
		address = (struct sockaddr *)&in6;
		len = sizeof(in6);
	} else if (inet_pton(AF_INET, o->address, &in4.sin_addr) != 1)
		errx(2, "%s: not an address", o->address);
	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address, len) == -1 || listen(fd, 128) == -1)
		err(1, "%s port %u", o->address, o->port);
	if (getsockname(fd, (struct sockaddr *)&bound, &bound_len) == -1)
		err(1, "getsockname");
	/* Both families have it in the same place. */
	memcpy(&port, (char *)&bound + offsetof(struct sockaddr_in, sin_port),
	    sizeof(port));
	printf("port %u\n", ntohs(port));
	return fd;
}

static void
watch(struct server *s, const struct options *o, int fd)
{
	struct event *ended = NULL, *timer;
	const struct timeval lifetime = { (time_t)o->lifetime, 0 };

	listening = event_new(s->base, fd, EV_READ | EV_PERSIST, accepted, s);
	timer = evtimer_new(s->base, told_to_end, s);
	if (o->stdin_end) {
		/* Epoll takes no file: only a pipe or a terminal ends. */
		ended = event_new(s->base, STDIN_FILENO, EV_READ | EV_PERSIST,
		    told_to_end, s);
		if (ended == NULL || event_add(ended, NULL) == -1)
			errx(1, "--stdin: not a pipe");
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	}
	if (listening == NULL || timer == NULL ||
	    event_add(listening, NULL) == -1 ||
	    evtimer_add(timer, &lifetime) == -1 ||
	    event_add(evsignal_new(s->base, SIGTERM, told_to_end, s), NULL) ==
		-1 ||
	    event_add(evsignal_new(s->base, SIGINT, told_to_end, s), NULL) ==
		-1 ||
	    event_add(
		evsignal_new(s->base, SIGUSR1, told_to_report, s), NULL) == -1)
		errx(1, "libevent: out of memory");
}

static void
accepted(evutil_socket_t listener, short what, void *arg)
{
	struct server *s = arg;
	int fd;

	(void)what;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	if (s->open >= CONNS_MAX) {
		close(fd);
		return;
	}
	conn_new(s, fd);
	/* A socket that no longer listens is what refuses. */
	if (s->faults.refuse_after != 0 &&
	    s->totals.connections >= s->faults.refuse_after) {
		event_del(listening);
		close(listener);
	}
}

static void
told_to_end(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(s->base);
}

static void
told_to_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	print_totals(arg);
}

static void
print_totals(const struct server *s)
{
	const struct totals *t = &s->totals;

	printf("total connections=%ju handshakes=%ju queries=%ju answers=%ju "
	       "duplicates=%ju records=%ju malformed=%ju "
	       "dropped=%ju\n",
	    (uintmax_t)t->connections, (uintmax_t)t->handshakes,
	    (uintmax_t)t->queries, (uintmax_t)t->answers,
	    (uintmax_t)t->duplicates, (uintmax_t)t->records,
	    (uintmax_t)t->malformed, (uintmax_t)t->dropped);
	fflush(stdout);
}

static void
usage(void)
{
	size_t i;

	fprintf(stderr,
	    "usage: upstream -c cert -k key [-v] [-a address] [-p port]\n"
	    "\t[-t seconds] [--log file] [--stdin] [--tls12]");
	for (i = 0; i < NFAULTS; i++)
		fprintf(stderr, "%s[--%s%s]", i % 3 == 0 ? "\n\t" : " ",
		    fault_table[i].name,
		    fault_table[i].argument == no_argument ? ""
			: has_time(&fault_table[i])	   ? " N MS"
							   : " N");
	fprintf(stderr, "\n");
	exit(2);
}
