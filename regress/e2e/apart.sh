# Three network namespaces of a case's own, so that an upstream can be cut off
# as a network is: without a word. Sourced after common.sh and servers.sh.
#
#   clients and dotproxy 10.0.0.2 - router - 10.0.1.2 the first upstream
#                                          - 10.0.2.2 the second
#
# Each namespace is a process (its id in $near, $router, $far1, $far2) that
# stop_all ends.
# shellcheck shell=sh disable=SC2034,SC2154 # of and for who sources it

net_up() {
	unshare -n true || atf_skip "no network namespace can be made here"
	net_new near
	net_new router
	net_new far1
	net_new far2
	in_net "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	net_join "$near" 0
	net_join "$far1" 1
	net_join "$far2" 2
}

# The process is what the namespace lives by.
net_new() { # VARIABLE
	in_background net.log unshare -n sleep 300
	must 5 is_apart "$pid"
	in_net "$pid" ip link set lo up
	eval "$1=$pid"
}

is_apart() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/$$/ns/net)" ]
}

in_net() { # PROCESS COMMAND ...
	_net=$1
	shift
	nsenter -t "$_net" -n "$@"
}

net_join() { # PROCESS NUMBER
	in_net "$1" ip link add up0 type veth peer name "down$2" netns "$router"
	in_net "$1" ip address add "10.0.$2.2/24" dev up0
	in_net "$1" ip link set up0 up
	in_net "$router" ip address add "10.0.$2.1/24" dev "down$2"
	in_net "$router" ip link set "down$2" up
	in_net "$1" ip route add default via "10.0.$2.1"
}

# What goes to it and what comes from it is dropped; nobody is told.
cut_off() { # NUMBER
	in_net "$router" ip rule add pref "1$1" to "10.0.$1.2" blackhole
	in_net "$router" ip rule add pref "2$1" from "10.0.$1.2" blackhole
}

mend() { # NUMBER
	in_net "$router" ip rule del pref "1$1"
	in_net "$router" ip rule del pref "2$1"
}

# The upstream of ours there, at port 853: start_far NUMBER [FAULT ...]
start_far() {
	_n=$1
	eval "_net=\$far$_n"
	shift
	in_background "far$_n.log" nsenter -t "$_net" -n "$upstream" \
	    -a "10.0.$_n.2" -p 853 -c server.pem -k server.key -t 120 "$@"
	eval "upstream$_n=$pid"
	must 20 grep -q '^port ' "far$_n.log"
}

# A dotproxy that forwards to both: start_near POLICY; its port is 5353.
start_near() {
	port=5353
	{
		for _n in 1 2; do
			echo "upstream \"far$_n\" {"
			echo "	address 10.0.$_n.2"
			echo "	name \"dns.example\""
			echo "	ca \"$PWD/ca.pem\""
			echo "}"
		done
		echo "forward to { \"far1\" \"far2\" } policy $1"
	} | conf "$port"
	within="nsenter -t $near -n"
	start_dotproxy
}

# How many questions an upstream has read.
asked() { # NUMBER
	eval "_p=\$upstream$1"
	_lines=$(grep -c '^total' "far$1.log" || :)
	kill -USR1 "$_p"
	wait_for 5 has_told "$1" "$_lines" || atf_fail "far$1 is silent"
	sed -n 's/^total.* queries=\([0-9]*\) .*/\1/p' "far$1.log" |
	    tail -n 1
}

has_told() {
	[ "$(grep -c '^total' "far$1.log")" -gt "$2" ]
}
