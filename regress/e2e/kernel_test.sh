# Blocks that the kernel drops, in a network namespace of each case's own with
# the table that a user loads; and what becomes of them without it.
# shellcheck shell=sh disable=SC2154 # near is net_new's

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"
. "$(atf_get_srcdir)/apart.sh"

nft_file=$(atf_config_get top "$here/../../..")/contrib/nftables/dotproxy.nft

kernel_case() {
	testcase "$@"
	eval "${1}_head() {
		atf_set descr '$(echo "$1" | tr _ ' ')'
		atf_set timeout '$2'
		atf_set require.user root
		atf_set require.progs 'dig nft nsenter ps setpriv'
	}"
}

apart() {
	unshare -n true || atf_skip "no network namespace can be made here"
	net_new near
	in_net "$near" ip address add 2001:db8:1:2::9/128 dev lo
	within="nsenter -t $near -n"
	port=5353
}

load_table() { # as a user does, with the port of this test
	sed "s/{ 53 }/{ $port }/" "$nft_file" >table.nft
	grep -q "$port" table.nft || atf_fail "no port in it"
	in_net "$near" nft list ruleset ||
	    atf_skip "this kernel has no nf_tables"
	in_net "$near" nft -f table.nft || atf_fail "nft does not take it"
}

start_strict() { # LINE ... of the config; what it answers needs no upstream
	{
		echo "listen on ::1 port $port"
		echo 'no limit exempt'
		echo 'limit rate 1 burst 2'
		echo 'limit hit cost 1'
		echo 'allow from { 127.0.0.0/8 2001:db8::/32 }'
		echo 'local data here.example A 192.0.2.1'
		for _line; do
			echo "$_line"
		done
	} | workers=1 conf "$port"
	start_dotproxy
}

# By TCP, where nobody asks in another's name.
abuse() { # ADDRESS SERVER
	_was=$(grep -c "is blocked for" dotproxy.log || :)
	for _i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		in_net "$near" dig +tcp +tries=1 +time=1 -b "$1" "@$2" \
		    -p "$port" here.example >/dev/null 2>&1 || :
		[ "$(grep -c "is blocked for" dotproxy.log || :)" -eq "$_was" ] ||
			return 0
	done
}

in_set() { # SET ADDRESS
	in_net "$near" nft list set inet dotproxy "$1" >set.out
	grep -q "[{ ]$2 timeout" set.out
}

dropped() { # packets, by the kernel
	in_net "$near" nft list chain inet dotproxy blocks |
	    awk '{ for (i = 1; i < NF; i++) if ($i == "packets")
		n += $(i + 1) } END { print n + 0 }'
}

kernel_case the_kernel_drops_a_proven_abuser_for_the_time_of_its_block 60
the_kernel_drops_a_proven_abuser_for_the_time_of_its_block_body() {
	apart
	load_table
	start_strict 'block kernel' 'block after 3 over 10s for 4s max 8s'
	grep -q 'block kernel: the kernel takes blocks' dotproxy.log ||
	    { show_logs; atf_fail "it does not say so"; }
	abuse 127.0.0.9 127.0.0.1
	must 5 grep -q '127\.0\.0\.9 is blocked for 4 s' dotproxy.log
	must 10 in_set blocked4 127.0.0.9
	before=$(dropped)
	q -b 127.0.0.9 +time=1 here.example >/dev/null && atf_fail "UDP"
	q -b 127.0.0.9 +tcp +time=1 here.example >/dev/null && atf_fail "TCP"
	[ "$(dropped)" -gt "$before" ] || atf_fail "not by the kernel"
	answers NOERROR -b 127.0.0.10 here.example
	# The worker has not seen one packet of it.
	counts_to blocked_udp 0
	counts_to tcp_blocked 0
	must 10 fails in_set blocked4 127.0.0.9
	must 5 is_answered NOERROR -b 127.0.0.9 here.example
	counts_to kernel_blocks 1
	counts_to kernel_failed 0
}

kernel_case an_ipv6_client_is_blocked_by_its_prefix 60
an_ipv6_client_is_blocked_by_its_prefix_body() {
	apart
	load_table
	start_strict 'block kernel' 'block after 3 over 10s for 1h max 1h'
	abuse 2001:db8:1:2::9 ::1
	must 10 in_set blocked6 2001:db8:1::
	before=$(dropped)
	in_net "$near" dig +tries=1 +time=1 -b 2001:db8:1:2::9 @::1 \
	    -p "$port" here.example >/dev/null && atf_fail "answered"
	[ "$(dropped)" -gt "$before" ] || atf_fail "not by the kernel"
}

kernel_case what_anyone_can_forge_is_not_left_to_the_kernel 60
what_anyone_can_forge_is_not_left_to_the_kernel_body() {
	apart
	load_table
	start_strict 'block kernel' 'block after 3 over 10s for 1h max 1h'
	$within "$load" -p "$port" -b 127.0.0.9 -n 60 -q 100 -c 2 -w 200 \
	    here.example >flood.out 2>&1 || :
	must 5 grep -q '127\.0\.0\.9 is blocked over UDP' dotproxy.log
	answers NOERROR -b 127.0.0.9 +tcp here.example
	in_set blocked4 127.0.0.9 && atf_fail "it is in the set"
	counts_to kernel_blocks 0
}

kernel_case a_lifted_block_is_taken_out_and_a_new_table_is_filled 60
a_lifted_block_is_taken_out_and_a_new_table_is_filled_body() {
	apart
	load_table
	start_strict 'block kernel' 'block after 3 over 10s for 1h max 1h'
	abuse 127.0.0.9 127.0.0.1
	must 10 in_set blocked4 127.0.0.9
	# A firewall's reload empties the sets; ours fills them.
	in_net "$near" nft -f table.nft
	in_set blocked4 127.0.0.9 && atf_fail "still in it"
	kill -HUP "$dotproxy"
	must 5 in_set blocked4 127.0.0.9
	# Who is exempt now is not blocked any more, by anyone.
	sed -i 's/^no limit exempt/limit exempt 127.0.0.9/' dotproxy.conf
	kill -HUP "$dotproxy"
	must 5 fails in_set blocked4 127.0.0.9
	must 5 is_answered NOERROR -b 127.0.0.9 here.example
	says 'blocks lifted: 1, as the config would not make them'
	# And when it stops it leaves nothing behind.
	abuse 127.0.0.11 127.0.0.1
	must 10 in_set blocked4 127.0.0.11
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
	in_set blocked4 127.0.0.11 && atf_fail "left behind"
	:
}

kernel_case without_the_table_it_says_so_and_blocks_by_itself 60
without_the_table_it_says_so_and_blocks_by_itself_body() {
	apart
	start_strict 'block kernel' 'block after 3 over 10s for 1h max 1h'
	grep -Eq 'block kernel: (no table inet dotproxy .*nft -f|this kernel)' \
	    dotproxy.log || { show_logs; atf_fail "it does not say what to do"; }
	answers NOERROR here.example
	abuse 127.0.0.9 127.0.0.1
	must 5 grep -q '127\.0\.0\.9 is blocked for' dotproxy.log
	q -b 127.0.0.9 +time=1 here.example >/dev/null && atf_fail "answered"
	counts_to kernel_failed 1
	# Loaded later, it is used from then on.
	load_table
	kill -HUP "$dotproxy"
	must 5 in_set blocked4 127.0.0.9
	grep -q 'the sets are there now' dotproxy.log || atf_fail "not said"
}

kernel_case without_the_capability_it_says_so_and_serves 60
without_the_capability_it_says_so_and_serves_body() {
	apart
	load_table
	within="$within setpriv --bounding-set=-net_admin"
	start_strict 'block kernel'
	grep -q 'block kernel: no CAP_NET_ADMIN' dotproxy.log ||
	    { show_logs; atf_fail "it does not say what is missing"; }
	within="nsenter -t $near -n"
	answers NOERROR here.example
}

# CAP_NET_ADMIN is bit 12.
kernel_case only_with_it_the_parent_keeps_cap_net_admin 60
only_with_it_the_parent_keeps_cap_net_admin_body() {
	apart
	start_strict
	has_net_admin "$dotproxy" && atf_fail "it has CAP_NET_ADMIN"
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
	echo 'block kernel' >>dotproxy.conf
	start_dotproxy
	has_net_admin "$dotproxy" || atf_fail "it has no CAP_NET_ADMIN"
	for _child in $(ps -o pid= --ppid "$dotproxy"); do
		has_net_admin "$_child" && atf_fail "a child has it"
	done
	:
}

has_net_admin() {
	_caps=$(awk '$1 == "CapPrm:" { print $2 }' "/proc/$1/status")
	[ $(($(printf '%d' "0x$_caps") >> 12 & 1)) -eq 1 ]
}

atf_init_test_cases() {
	atf_add_test_case the_kernel_drops_a_proven_abuser_for_the_time_of_its_block
	atf_add_test_case an_ipv6_client_is_blocked_by_its_prefix
	atf_add_test_case what_anyone_can_forge_is_not_left_to_the_kernel
	atf_add_test_case a_lifted_block_is_taken_out_and_a_new_table_is_filled
	atf_add_test_case without_the_table_it_says_so_and_blocks_by_itself
	atf_add_test_case without_the_capability_it_says_so_and_serves
	atf_add_test_case only_with_it_the_parent_keeps_cap_net_admin
}
