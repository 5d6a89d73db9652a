# How an upstream is reached: through a SOCKS5 proxy of Debian's, with name,
# chain and pins checked end to end; by an interface, and from a source. What
# needs network namespaces needs root.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# start_socks [microsocks' arguments]: at $proxy
start_socks() {
	in_background socks.log microsocks -i 127.0.0.1 -p "$proxy" "$@"
	must 20 listens "$proxy"
}

prepare() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	proxy=$(free_port)
}

# conf_via "MORE OF VIA" [LINE ...]: one upstream, through the proxy
conf_via() {
	_more=$1
	shift
	[ $# -gt 0 ] || set -- 'name "dns.example"' "ca \"$PWD/ca.pem\""
	{
		upstream_block ours "$up" "$@" \
		    "via socks5 127.0.0.1:$proxy $_more"
		echo 'forward to "ours"'
	} | conf "$port"
	chmod 600 dotproxy.conf
}

testcase an_upstream_is_asked_through_a_socks5_proxy 40 ss microsocks
an_upstream_is_asked_through_a_socks5_proxy_body() {
	prepare
	start_misbehaving "$up"
	start_socks
	conf_via ''
	start_dotproxy
	answers NOERROR n1.test.example
	answers NOERROR +tcp n2.test.example
	must 5 grep -q "connected to 127\.0\.0\.1:$up" socks.log
	# None was made but by the proxy.
	[ "$(ss -Htn state established "dport = :$up" | wc -l)" -eq \
	    "$(ss -Htnp state established "dport = :$up" |
	    grep -c microsocks)" ] || atf_fail "a connection beside the proxy"
	counts_to proxy_failed 0
	says 'socks confined by: '
}

testcase a_proxy_is_told_user_and_password 40 ss microsocks
a_proxy_is_told_user_and_password_body() {
	prepare
	start_misbehaving "$up"
	start_socks -u me -P 'key of mine'
	conf_via 'user "me" password "key of mine"'
	start_dotproxy
	answers NOERROR n1.test.example
	# Wrong, and none: each a reason of its own, and nobody is asked.
	conf_via 'user "me" password "wrong"'
	kill -HUP "$dotproxy"
	says ': reloaded'
	is_answered SERVFAIL n2.test.example || :
	says 'through the SOCKS proxy: it refused the user or the password'
	conf_via ''
	kill -HUP "$dotproxy"
	must 5 reloaded_twice
	is_answered SERVFAIL n3.test.example || :
	says 'through the SOCKS proxy: it wants another way to log in'
	! grep -q 'key of mine' dotproxy.log || atf_fail "the password is told"
}

reloaded_twice() {
	[ "$(grep -c ': reloaded' dotproxy.log)" -eq 2 ]
}

testcase a_proxy_that_is_not_there_is_told_of_and_tried_again 40 ss microsocks
a_proxy_that_is_not_there_is_told_of_and_tried_again_body() {
	prepare
	start_misbehaving "$up"
	conf_via ''
	start_dotproxy
	answers SERVFAIL n1.test.example
	says 'no way through the SOCKS proxy: Connection refused'
	start_socks
	must 10 is_answered NOERROR n2.test.example
}

testcase what_the_proxy_refuses_is_in_the_log 40 ss microsocks
what_the_proxy_refuses_is_in_the_log_body() {
	prepare
	start_socks
	conf_via ''
	start_dotproxy
	answers SERVFAIL n1.test.example
	says 'no way through the SOCKS proxy: it refused: connection refused'
}

testcase a_server_that_says_nothing_is_no_proxy 40 ss
a_server_that_says_nothing_is_no_proxy_body() {
	prepare
	proxy=$up
	start_misbehaving "$up"
	conf_via ''
	start_dotproxy
	answers SERVFAIL n1.test.example
	says "no way through the SOCKS proxy: it did not answer in time"
}

testcase a_proxy_cannot_pass_for_the_upstream 60 ss microsocks
a_proxy_cannot_pass_for_the_upstream_body() {
	prepare
	pki_ca other
	start_misbehaving "$up"
	start_socks
	conf_via '' 'name "dns.example"' "ca \"$PWD/ca.pem\"" \
	    "pin \"$(pin_of other)\""
	start_dotproxy
	answers SERVFAIL n1.test.example
	says 'certificate refused: no pin matched'
	conf_via '' 'name "other.example"' "ca \"$PWD/ca.pem\""
	kill -HUP "$dotproxy"
	says ': reloaded'
	answers SERVFAIL n2.test.example
	says 'certificate refused: wrong name'
	conf_via '' 'name "dns.example"' "ca \"$PWD/other.pem\""
	kill -HUP "$dotproxy"
	must 5 reloaded_twice
	answers SERVFAIL n3.test.example
	says 'certificate refused: unknown CA'
	! grep -q test.example upstream.queries || atf_fail "it was asked"
}

testcase a_socks_process_killed_is_back_and_works 40 ss microsocks
a_socks_process_killed_is_back_and_works_body() {
	prepare
	# Each question needs a connection of its own, or almost.
	start_misbehaving "$up" --close-after 1
	start_socks
	conf_via ''
	start_dotproxy
	answers NOERROR n1.test.example
	old=$(child socks)
	kill -9 "$old"
	must 5 is_gone "$old"
	must 5 is_answered NOERROR n2.test.example
	says 'socks: killed by signal 9'
	[ "$(child socks)" != "$old" ] || atf_fail "it is not another"
}

testcase a_socks_process_is_there_once_a_config_needs_it 40 ss microsocks
a_socks_process_is_there_once_a_config_needs_it_body() {
	prepare
	start_misbehaving "$up"
	start_socks
	conf_for "$port" "$up"
	start_dotproxy
	answers NOERROR n1.test.example
	[ -z "$(child socks)" ] || atf_fail "nobody needs it yet"
	conf_via ''
	kill -HUP "$dotproxy"
	says ': reloaded'
	must 5 is_asked_through_it
	conf_for "$port" "$up"
	kill -HUP "$dotproxy"
	must 5 reloaded_twice
	answers NOERROR n3.test.example
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
	[ -z "$(children)" ] || atf_fail "children outlive it"
}

is_asked_through_it() {
	is_answered NOERROR "n$(now_ms).test.example" &&
	    grep -q "connected to 127\.0\.0\.1:$up" socks.log
}

# --- two ways between two namespaces: $near has dotproxy, $far the upstream ---
#
#	near 10.9.1.1 -- one -- 10.9.1.2 far     the way by default
#	     10.9.2.1 -- two -- 10.9.2.2
#	                        10.9.9.9, where the upstream is
#
# Answers to 10.9.1.1 are lost in $far once `lose_one` is called.

ns_case() { # as testcase, which it is
	testcase "$@"
	eval "${1}_head() {
		atf_set descr '$(echo "$1" | tr _ ' ')'
		atf_set timeout '$2'
		atf_set require.user root
		atf_set require.progs 'openssl dig ps ss ip'
	}
	${1}_cleanup() { stop_all; remove_namespaces; }"
}

make_namespaces() {
	near=dpw$$a
	far=dpw$$b
	printf '%s\n' "$near" "$far" >namespaces
	for n in "$near" "$far"; do
		ip netns add "$n" || atf_skip "no network namespaces here"
	done
	for i in 1 2; do
		ip -n "$near" link add "way$i" type veth \
		    peer name "way$i" netns "$far"
		ip -n "$near" addr add "10.9.$i.1/24" dev "way$i"
		ip -n "$far" addr add "10.9.$i.2/24" dev "way$i"
		ip -n "$near" link set "way$i" up
		ip -n "$far" link set "way$i" up
	done
	ip -n "$near" link set lo up
	ip -n "$far" link set lo up
	ip -n "$far" addr add 10.9.9.9/32 dev lo
	for n in "$near" "$far"; do
		for f in all default way1 way2; do
			ip netns exec "$n" sysctl -qw \
			    "net.ipv4.conf.$f.rp_filter=0"
		done
	done
	ip -n "$near" route add 10.9.9.9 via 10.9.1.2
	ip -n "$near" route add 10.9.9.9 via 10.9.2.2 metric 100
}

remove_namespaces() {
	[ -f namespaces ] || return 0
	while read -r n; do
		ip netns del "$n" 2>/dev/null || :
	done <namespaces
}

lose_one() {
	ip -n "$far" route add blackhole 10.9.1.1/32
}

# common.sh asks with it.
dig() {
	if [ -n "${near:-}" ]; then
		ip netns exec "$near" dig "$@"
	else
		command dig "$@"
	fi
}

start_far() {
	in_background upstream.log ip netns exec "$far" "$upstream" \
	    -a 10.9.9.9 -c server.pem -k server.key -p 853 -t 120 \
	    --log upstream.queries
	must 20 far_listens
}

far_listens() {
	ip netns exec "$far" ss -Hltn 'sport = :853' | grep -q .
}

start_near() { # [LINE ...] of the upstream
	{
		echo 'upstream "ours" {'
		echo '	address 10.9.9.9'
		echo '	name "dns.example"'
		echo "	ca \"$PWD/ca.pem\""
		for _line; do
			echo "	$_line"
		done
		echo '}'
		echo 'forward to "ours"'
	} | conf "$port"
	ip netns exec "$near" "$OBJ/dotproxy" -d -f dotproxy.conf -L "$OBJ" \
	    >dotproxy.log 2>&1 </dev/null &
	dotproxy=$!
	remember "$dotproxy"
	must 20 is_ready_or_gone dotproxy.log
	grep -q ': ready, ' dotproxy.log ||
	    { show_logs; atf_fail "dotproxy did not start"; }
}

prepare_namespaces() {
	atf_require_prog "$upstream"
	pki
	port=5300
	make_namespaces
	start_far
}

ns_case without_interface_or_source_the_lossy_way_is_taken 40
without_interface_or_source_the_lossy_way_is_taken_body() {
	prepare_namespaces
	lose_one
	start_near
	answers SERVFAIL n1.test.example
}

ns_case an_upstream_is_reached_by_an_interface 40
an_upstream_is_reached_by_an_interface_body() {
	prepare_namespaces
	lose_one
	start_near 'interface "way2"'
	answers NOERROR n1.test.example
}

ns_case an_upstream_is_reached_from_a_source 40
an_upstream_is_reached_from_a_source_body() {
	prepare_namespaces
	lose_one
	start_near 'source 10.9.2.1'
	answers NOERROR n1.test.example
	ip netns exec "$far" ss -Htn state established 'sport = :853' >seen
	grep -q '10\.9\.2\.1:' seen || { cat seen; atf_fail "not from it"; }
	! grep -q '10\.9\.1\.1:' seen || { cat seen; atf_fail "from another"; }
}

ns_case an_interface_that_comes_is_used_at_once 40
an_interface_that_comes_is_used_at_once_body() {
	prepare_namespaces
	start_near 'interface "late"'
	answers SERVFAIL n1.test.example
	says 'the interface that it is to be reached by is not there'
	ip -n "$near" link set way2 down
	ip -n "$near" link set way2 name late
	ip -n "$near" link set late up
	ip -n "$near" route replace 10.9.9.9 via 10.9.2.2 metric 100
	# The kernel tells; no probe has to find out.
	counts_to network_changes 1
	must 10 is_answered NOERROR n2.test.example
}

ns_case a_source_that_is_not_ours_is_told_of 40
a_source_that_is_not_ours_is_told_of_body() {
	prepare_namespaces
	start_near 'source 10.9.3.1'
	answers SERVFAIL n1.test.example
	says 'its source is not an address of this machine'
	ip -n "$near" addr add 10.9.3.1/32 dev lo
	ip -n "$far" route add 10.9.3.1 via 10.9.1.1
	must 10 is_answered NOERROR n2.test.example
}

ns_case a_change_of_routes_drops_the_connection_and_the_next_is_answered 40
a_change_of_routes_drops_the_connection_and_the_next_is_answered_body() {
	prepare_namespaces
	start_near
	answers NOERROR n1.test.example
	lose_one
	ip -n "$near" route del 10.9.9.9 via 10.9.1.2
	the_other_way_is_taken
}

# The TLS process has had the news when it is asked to count. Nothing else tells
# it that a connection is dead on which nobody asks, nor the kernel in 5 s.
the_other_way_is_taken() {
	counts_to network_changes 1
	! is_connected_from 10.9.1.1 || atf_fail "it was not dropped"
	answers NOERROR other-way.test.example
	is_connected_from 10.9.2.1 || atf_fail "it went no other way"
}

is_connected_from() {
	ss -HtnN "$near" state established "src $1 dport = :853" | grep .
}

# A node of a cluster: routes that are nobody's come and go all the time.
ns_case a_flood_of_routes_neither_hides_a_change_nor_costs_a_connection 60
a_flood_of_routes_neither_hides_a_change_nor_costs_a_connection_body() {
	prepare_namespaces
	start_near
	answers NOERROR n1.test.example
	# Until one of the two is ended.
	mkfifo changes
	awk 'BEGIN {
		for (n = 0;; n = (n + 1) % 250) {
			print "route add blackhole 10.77." n ".0/24"
			print "route del blackhole 10.77." n ".0/24"
		}
	}' >changes 2>awk.log &
	remember $!
	in_background flood.log ip -n "$near" -force -batch changes
	flood=$pid
	must 5 answers NOERROR n2.test.example
	counts_to network_changes 0
	lose_one
	ip -n "$near" route del 10.9.9.9 via 10.9.1.2
	the_other_way_is_taken
	! is_gone "$flood" || { show_logs; atf_fail "there was no flood"; }
}

atf_init_test_cases() {
	atf_add_test_case an_upstream_is_asked_through_a_socks5_proxy
	atf_add_test_case a_proxy_is_told_user_and_password
	atf_add_test_case a_proxy_that_is_not_there_is_told_of_and_tried_again
	atf_add_test_case what_the_proxy_refuses_is_in_the_log
	atf_add_test_case a_server_that_says_nothing_is_no_proxy
	atf_add_test_case a_proxy_cannot_pass_for_the_upstream
	atf_add_test_case a_socks_process_killed_is_back_and_works
	atf_add_test_case a_socks_process_is_there_once_a_config_needs_it
	atf_add_test_case without_interface_or_source_the_lossy_way_is_taken
	atf_add_test_case an_upstream_is_reached_by_an_interface
	atf_add_test_case an_upstream_is_reached_from_a_source
	atf_add_test_case an_interface_that_comes_is_used_at_once
	atf_add_test_case a_source_that_is_not_ours_is_told_of
	atf_add_test_case \
	    a_change_of_routes_drops_the_connection_and_the_next_is_answered
	atf_add_test_case \
	    a_flood_of_routes_neither_hides_a_change_nor_costs_a_connection
}
