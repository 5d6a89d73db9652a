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
	conf.nupstream = conf.nforward = 1;
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
	ATF_TP_ADD_TC(tp, no_icmp_makes_an_answer_a_fragment);
	return atf_no_error();
}
