# Two network namespaces of a case's own, for what no address outside may see:
# in one a server at 10.9.0.1 with its upstream behind it on loopback, in the
# other everyone who asks. There 10.64.0.0/10 is all its own, so that a client
# may have any address of it, and what goes to any other address is dropped
# without a word; after crowd_up6 2001:db8:8000::/33 is, too. Sourced after common.sh, servers.sh and apart.sh.
# shellcheck shell=sh disable=SC2034,SC2154,SC2086 # of and for who sources it; words

server=10.9.0.1

crowd_up() {
	unshare -n true || atf_skip "no network namespace can be made here"
	net_new near
	net_new out
	# Forged addresses come and go by one way, or they would not be taken;
	# and those of IPv6 are nobody else's, so that none need be waited for.
	for _net in "$near" "$out"; do
		in_net "$_net" sh -c 'cd /proc/sys/net/ipv4/conf &&
		    echo 0 >all/rp_filter && echo 0 >default/rp_filter
		    cd ../../ipv6/conf || exit 0
		    echo 0 >default/accept_dad'
	done
	in_net "$near" ip link add up0 type veth peer name up0 netns "$out"
	in_net "$near" ip address add "$server/24" dev up0
	in_net "$out" ip address add 10.9.0.2/24 dev up0
	in_net "$near" ip link set up0 up
	in_net "$out" ip link set up0 up
	in_net "$near" ip route add default via 10.9.0.2
	in_net "$out" ip route add local 10.64.0.0/10 dev lo
	in_net "$out" ip route add blackhole default
	within="nsenter -t $near -n"
	port=53
}

# The server is at 2001:db8::1 then.
crowd_up6() {
	[ -d /proc/sys/net/ipv6 ] || atf_skip "no IPv6 here"
	server=2001:db8::1
	in_net "$near" ip address add "$server/64" dev up0
	in_net "$out" ip address add 2001:db8::2/64 dev up0
	in_net "$near" ip route add default via 2001:db8::2
	in_net "$out" sh -c 'echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind'
	in_net "$out" ip route add local 2001:db8:8000::/33 dev lo
}

# The upstream of ours, at port 853 of the server's loopback.
start_behind() { # [FAULT ...]
	in_background behind.log nsenter -t "$near" -n ${on_rest:-} \
	    "$upstream" -p 853 -c server.pem -k server.key -t 120 "$@"
	must 20 grep -q '^port ' behind.log
}

# A config for one worker, and more lines of it on standard input.
conf_crowded() {
	{
		upstream_block ours 853
		cat <<-END
		listen on $server
		allow from { 0.0.0.0/0 ::/0 }
		forward to "ours"
		END
		cat
	} | workers=1 conf 53
}

outside() {
	in_net "$out" "$@"
}

# crowd's arguments but where; its line is in load.out
run_crowd() {
	outside ${first_turn:-} "$here/crowd" -s "$server" -p 53 "$@" \
	    >"${into:-load.out}" 2>&1 || :
	cat "${into:-load.out}"
}

# flood's arguments but where; its line is in ${flood_out}
run_flood() {
	outside "$here/flood" -s "$server" -p 53 "$@" >"${flood_out:-flood.out}"
}
