/* The descriptors that the parent hands out: what a child that is broken into
 * could make of them. */
#include <sys/mman.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/ipc.h"
#include "parent/config.h"
#include "parent/listen.h"

static struct conf conf;
static struct listeners listeners;

/* The next TLS process gets the same one. */
ATF_TC_WITHOUT_HEAD(a_ca_bundle_can_be_read_and_never_changed);
ATF_TC_BODY(a_ca_bundle_can_be_read_and_never_changed, tc)
{
	int ca[CONF_UPSTREAMS_MAX];
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n";
	char text[64] = "";
	FILE *f;

	ATF_REQUIRE((f = fopen("ca.pem", "w")) != NULL);
	ATF_REQUIRE(fputs(pem, f) != EOF && fclose(f) == 0);
	conf.nupstream = conf.nused = 1;
	(void)snprintf(
	    conf.upstream[0].ca, sizeof(conf.upstream[0].ca), "%s", "ca.pem");
	ATF_REQUIRE_EQ(0, config_ca_open(ca, &conf));
	ATF_CHECK_EQ((ssize_t)strlen(pem), pread(ca[0], text, sizeof(text), 0));
	ATF_CHECK_STREQ(pem, text);
	ATF_CHECK_EQ(-1, pwrite(ca[0], "x", 1, 0));
	ATF_CHECK_EQ(EPERM, errno);
	ATF_CHECK_EQ(-1, ftruncate(ca[0], 0));
	ATF_CHECK_EQ(-1, ftruncate(ca[0], 100));
	ATF_CHECK_EQ(MAP_FAILED,
	    mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, ca[0], 0));
	ATF_CHECK_EQ(-1, fcntl(ca[0], F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	config_ca_close(ca);
}

/* All workers get the same one. */
ATF_TC_WITHOUT_HEAD(local_data_can_be_read_and_never_changed);
ATF_TC_BODY(local_data_can_be_read_and_never_changed, tc)
{
	struct conf_record record;
	struct conf_local local;
	int fd;

	ATF_REQUIRE(config_local_add(
			&conf, "a.example", 300, "A", "192.0.2.1") == NULL);
	ATF_REQUIRE((fd = config_local_open(&local, &conf)) != -1);
	ATF_CHECK_EQ(1, local.records);
	ATF_CHECK_EQ(sizeof(record) + 11 + 4, local.size);
	ATF_CHECK_EQ(
	    (ssize_t)sizeof(record), pread(fd, &record, sizeof(record), 0));
	ATF_CHECK_EQ(CONF_LOCAL_A, record.type);
	ATF_CHECK_EQ(11, record.name_len);
	ATF_CHECK_EQ(4, record.rdata_len);
	ATF_CHECK_EQ(-1, pwrite(fd, "x", 1, 0));
	ATF_CHECK_EQ(EPERM, errno);
	ATF_CHECK_EQ(-1, ftruncate(fd, 0));
	ATF_CHECK_EQ(-1, ftruncate(fd, 100));
	ATF_CHECK_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	(void)close(fd);
}

ATF_TC_WITHOUT_HEAD(local_data_has_its_bounds);
ATF_TC_BODY(local_data_has_its_bounds, tc)
{
	char name[32], text[256];
	unsigned int i;

	for (i = 0; i < CONF_LOCAL_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		ATF_REQUIRE(config_local_add(
				&conf, name, 300, "A", "192.0.2.1") == NULL);
	}
	ATF_CHECK(config_local_add(&conf, "x", 300, "A", "192.0.2.1") != NULL);
	ATF_CHECK_EQ(CONF_LOCAL_MAX, conf.nlocal);
	memset(&conf, 0, sizeof(conf));
	memset(text, 'x', 254);
	text[254] = '\0';
	for (i = 0; i < CONF_LOCAL_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		if (config_local_add(&conf, name, 300, "TXT", text) != NULL)
			break;
	}
	ATF_CHECK(i > 200 && i < 300);
	ATF_CHECK(conf.local_len <= CONF_LOCAL_BYTES);
	ATF_CHECK_EQ(i, conf.nlocal);
}

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	ATF_REQUIRE_EQ(0, getsockopt(fd, level, name, &value, &len));
	return value;
}

/* RFC 9715: a forged ICMP must not make us send fragments. */
ATF_TC_WITHOUT_HEAD(no_icmp_makes_an_answer_a_fragment);
ATF_TC_BODY(no_icmp_makes_an_answer_a_fragment, tc)
{
	ATF_REQUIRE(netaddr_parse(&conf.listen[0], "127.0.0.1"));
	conf.nlisten = 1;
	ATF_REQUIRE_EQ(0, listeners_open(&listeners, &conf, 1, NULL));
	ATF_REQUIRE_EQ(IPC_UDP, listeners.one[0].proto);
	ATF_CHECK_EQ(IP_PMTUDISC_OMIT,
	    option(listeners.one[0].fd[0], IPPROTO_IP, IP_MTU_DISCOVER));
	listeners_close(&listeners, NULL);
	ATF_REQUIRE(netaddr_parse(&conf.listen[0], "::1"));
	if (listeners_open(&listeners, &conf, 1, NULL) == -1)
		return; /* no IPv6 here */
	ATF_CHECK_EQ(IPV6_PMTUDISC_OMIT,
	    option(listeners.one[0].fd[0], IPPROTO_IPV6, IPV6_MTU_DISCOVER));
	ATF_CHECK_EQ(
	    1, option(listeners.one[0].fd[0], IPPROTO_IPV6, IPV6_V6ONLY));
	listeners_close(&listeners, NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_ca_bundle_can_be_read_and_never_changed);
	ATF_TP_ADD_TC(tp, local_data_can_be_read_and_never_changed);
	ATF_TP_ADD_TC(tp, local_data_has_its_bounds);
	ATF_TP_ADD_TC(tp, no_icmp_makes_an_answer_a_fragment);
	return atf_no_error();
}
