/*
 * The upstream of a test of dotproxy-tls: a libtls server, a process for each
 * connection. It shares nothing with what it tests but libtls.
 */
#include <atf-c.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <tls.h>
#include <unistd.h>

#include "harness.h"

static struct tls *new_server(const struct pki_cert *, const struct pki_cert *);
static char *key_pem(const struct pki_cert *);
static void accept_all(int, struct tls *, enum harness_fault);
static void serve(int, struct tls *, enum harness_fault, bool);
static bool read_all(struct tls *, uint8_t *, size_t);
static void write_all(struct tls *, const uint8_t *, size_t);
static bool answer(struct tls *, uint8_t *, size_t, enum harness_fault, bool);

struct netaddr
harness_serve(struct harness *h, const struct pki_cert *leaf,
    const struct pki_cert *inter, enum harness_fault fault)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct netaddr a;
	struct tls *tls;
	int fd;

	ATF_REQUIRE(netaddr_parse(&a, "127.0.0.1"));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ATF_REQUIRE_EQ(
	    0, bind(fd, (struct sockaddr *)&ss, netaddr_to_sockaddr(&a, &ss)));
	ATF_REQUIRE_EQ(0, listen(fd, 64));
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&ss, &len));
	ATF_REQUIRE(netaddr_from_sockaddr(&a, (struct sockaddr *)&ss));
	tls = new_server(leaf, inter);
	ATF_REQUIRE(h->nserver < HARNESS_SERVERS);
	h->server[h->nserver] = fork();
	ATF_REQUIRE(h->server[h->nserver] != -1);
	if (h->server[h->nserver] == 0) {
		/* Not to outlive a test that failed. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		accept_all(fd, tls, fault);
	}
	h->nserver++;
	tls_free(tls);
	(void)close(fd);
	return a;
}

static struct tls *
new_server(const struct pki_cert *leaf, const struct pki_cert *inter)
{
	const struct pki_cert *list[3] = { leaf, inter, NULL };
	struct tls_config *config;
	struct tls *tls;
	char *chain, *key;

	chain = pki_pem(list);
	key = key_pem(leaf);
	config = tls_config_new();
	tls = tls_server();
	ATF_REQUIRE(config != NULL && tls != NULL);
	ATF_REQUIRE_EQ(0,
	    tls_config_set_keypair_mem(config, (uint8_t *)chain, strlen(chain),
		(uint8_t *)key, strlen(key)));
	ATF_REQUIRE_EQ(0, tls_config_set_alpn(config, "dot"));
	ATF_REQUIRE_EQ_MSG(0, tls_configure(tls, config), "%s", tls_error(tls));
	tls_config_free(config);
	free(chain);
	free(key);
	return tls;
}

static char *
key_pem(const struct pki_cert *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	ATF_REQUIRE(bio != NULL);
	ATF_REQUIRE_EQ(1,
	    PEM_write_bio_PrivateKey(
		bio, cert->key, NULL, NULL, 0, NULL, NULL));
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	ATF_REQUIRE(pem != NULL);
	BIO_free(bio);
	return pem;
}

static void
accept_all(int listening, struct tls *tls, enum harness_fault fault)
{
	struct linger reset = { 1, 0 };
	bool first = true;
	int fd, on = 1;

	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	for (;; first = false) {
		if ((fd = accept(listening, NULL, NULL)) == -1)
			_exit(0);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (fault == SERVER_RESETS)
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)close(listening);
			serve(fd, tls, fault, first);
			_exit(0);
		}
		(void)close(fd);
	}
}

static void
serve(int fd, struct tls *tls, enum harness_fault fault, bool first)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static uint8_t msg[2 + 65535];
	struct tls *conn;
	size_t len;

	/* What is left unread would make a reset of it. */
	if (fault == SERVER_CLOSES) {
		(void)!read(fd, msg, sizeof(msg));
		return;
	}
	if (fault == SERVER_NO_TLS) {
		(void)!write(fd, text, sizeof(text) - 1);
		(void)!read(fd, msg, sizeof(msg));
		return;
	}
	if (tls_accept_socket(tls, &conn, fd) == -1)
		return;
	while (read_all(conn, msg, 2)) {
		len = (size_t)msg[0] << 8 | msg[1];
		if (!read_all(conn, &msg[2], len) || len < 12)
			break;
		if (!answer(conn, msg, len, fault, first))
			break;
	}
	if (fault != SERVER_RESETS)
		(void)tls_close(conn);
}

/* False: that was all of this connection. */
static bool
answer(struct tls *conn, uint8_t *msg, size_t len, enum harness_fault fault,
    bool first)
{
	if (fault == SERVER_SILENT)
		return true;
	msg[4] |= 0x80; /* QR */
	if (fault == SERVER_HALF && first) {
		write_all(conn, msg, 2 + len / 2);
		return false;
	}
	if (fault == SERVER_WRONG_ID) {
		msg[2] ^= 1;
		write_all(conn, msg, 2 + len);
		msg[2] ^= 1;
		msg[2 + 12 + 1] ^= 1; /* a letter of the name */
		write_all(conn, msg, 2 + len);
		msg[2 + 12 + 1] ^= 1;
	}
	write_all(conn, msg, 2 + len);
	return fault != SERVER_ONE_EACH && fault != SERVER_RESETS;
}

static bool
read_all(struct tls *conn, uint8_t *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = tls_read(conn, buf, len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

static void
write_all(struct tls *conn, const uint8_t *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = tls_write(conn, buf, len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= (size_t)n;
	}
}
