# What clients are told is what the upstream says: asked directly over TLS and
# through dotproxy, over UDP and TCP, the answers are the same RR for RR.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

testcase answers_of_unbound_are_equal_rr_for_rr 90 kdig unbound ss
answers_of_unbound_are_equal_rr_for_rr_body() {
	prepare
	start_unbound "$up"
	compare_all version.bind
}

testcase answers_of_nsd_behind_dnsdist_are_equal_rr_for_rr 90 \
    kdig nsd dnsdist ss
answers_of_nsd_behind_dnsdist_are_equal_rr_for_rr_body() {
	prepare
	back=$(free_port)
	start_nsd "$back"
	start_dnsdist "$up" "$back"
	compare_all version.server elsewhere.example
}

testcase answers_of_knot_behind_dnsdist_are_equal_rr_for_rr 90 \
    kdig knotd dnsdist ss
answers_of_knot_behind_dnsdist_are_equal_rr_for_rr_body() {
	prepare
	back=$(free_port)
	start_knot "$back"
	start_dnsdist "$up" "$back"
	compare_all version.server elsewhere.example
}

prepare() {
	pki
	make_zone
	up=$(free_port)
	port=$(free_port)
	conf_for "$port" "$up"
	# ANY too is to be what the upstream says.
	echo 'no special any' >>dotproxy.conf
}

compare_all() { # a name of class CH, and one that the upstream refuses
	z=zone.example
	grep -v '^$' <<-END >questions
	a.$z A
	aaaa.$z AAAA
	both.$z A
	both.$z AAAA
	both.$z ANY
	$z MX
	$z NS
	$z SOA
	$z CAA
	$z DNSKEY
	txt.$z TXT
	one.$z A
	one.$z CNAME
	two.$z AAAA
	_dns._tcp.$z SRV
	https.$z HTTPS
	_dns.$z SVCB
	unknown.$z TYPE65280
	unknown.$z TYPE65281
	naptr.$z NAPTR
	tlsa.$z TLSA
	sshfp.$z SSHFP
	ptr.$z PTR
	nothing.$z A
	not.even.there.$z TXT
	a.$z MX
	nonterminal.$z A
	anything.wild.$z A
	Any.Thing.wild.$z TXT
	many.$z A
	txt600.$z TXT
	txt1000.$z TXT
	txt1300.$z TXT
	txt4200.$z TXT
	txt60000.$z TXT
	$1 TXT CH
	$2
	END
	# As the upstream says it, to the bit; and then from the cache, which
	# has no authority, and counts TTLs down.
	cp dotproxy.conf cached.conf
	echo 'no cache' >>dotproxy.conf
	start_dotproxy
	compare cat
	kill "$dotproxy"
	must 5 is_gone "$dotproxy"
	mv cached.conf dotproxy.conf
	start_dotproxy
	compare without_ttl
	compare without_ttl
}

without_ttl() {
	sed -E -e '/^;; Flags/s/ aa / /' -e 's/[[:blank:]][0-9]+[[:blank:]]+(IN|CH|CLASS[0-9]+)/ \1/'
}

compare() { # the filter that both go through
	while read -r name type class; do
		kdig_type="-t ${type:-A} -c ${class:-IN}"
		# shellcheck disable=SC2086 # options
		direct "$up" $kdig_type "$name" >direct.out 2>&1
		normal <direct.out | $1 >want
		grep -q 'status: ' want || {
			cat direct.out unbound.log
			atf_fail "the upstream says nothing to $name $type"
		}
		# Over UDP what is too large is asked again over TCP.
		for how in +bufsize=1232 +tcp; do
			# shellcheck disable=SC2086 # options
			kdig @127.0.0.1 -p "$port" $how +time=6 +retry=0 \
			    $kdig_type "$name" >via.out 2>&1
			normal <via.out | $1 >got
			cmp -s want got && continue
			diff want got
			cat via.out
			show_logs
			atf_fail "$name $type $how is another answer"
		done
	done <questions
}

# Sorting hides that above.
testcase records_keep_the_upstreams_order 30 kdig nsd dnsdist ss
records_keep_the_upstreams_order_body() {
	prepare
	back=$(free_port)
	start_nsd "$back"
	start_dnsdist "$up" "$back"
	start_dotproxy
	for what in "one A" "out A" "many A" "txt1000 TXT"; do
		# shellcheck disable=SC2086 # name and type
		set -- $what
		direct "$up" "$1.zone.example" "$2" +short | grep . >want
		kdig @127.0.0.1 -p "$port" +tcp "$1.zone.example" "$2" +short |
		    grep . >got
		cmp want got || { diff want got; atf_fail "$what"; }
	done
}

atf_init_test_cases() {
	atf_add_test_case answers_of_unbound_are_equal_rr_for_rr
	atf_add_test_case answers_of_nsd_behind_dnsdist_are_equal_rr_for_rr
	atf_add_test_case answers_of_knot_behind_dnsdist_are_equal_rr_for_rr
	atf_add_test_case records_keep_the_upstreams_order
}
