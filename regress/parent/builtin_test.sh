# The pins that are built in, computed again from the roots they stand for.

bundle=/etc/ssl/certs/ca-certificates.crt
tool=$(atf_get_srcdir)/conf_print

# "pin name" of each root of the bundle that may be meant.
roots() {
	awk '/BEGIN/ { n++ } { print >("root." n) }' "$bundle"
	for root in root.*; do
		case $(openssl x509 -in "$root" -noout -subject) in
		*SSL.com*|*DigiCert*) ;;
		*)	continue ;;
		esac
		pin=$(openssl x509 -in "$root" -noout -pubkey |
			openssl pkey -pubin -outform DER |
			openssl dgst -sha256 -binary | openssl base64)
		name=$(openssl x509 -in "$root" -noout -subject \
			-nameopt multiline | sed -n 's/ *commonName *= //p')
		echo "$pin $name"
	done
}

# The pins of these roots, in the order of their base64.
pins_of() {
	for name in "$@"; do
		pin=$(grep -F " $name" known | grep "$name\$" | cut -d' ' -f1)
		[ -n "$pin" ] || atf_skip "$bundle does not hold $name"
		echo "$pin"
	done | sort
}

# What a built-in upstream expands to.
printed() {
	echo "forward to $1" >one.conf
	chmod 600 one.conf
	"$tool" one.conf | sed -n '/^upstream/,/^}/p'
}

pins_printed() {
	printed "$1" | sed -n 's,.*pin "sha256/\(.*\)"$,\1,p' | sort
}

atf_test_case the_pins_of_cloudflare_are_those_of_the_installed_roots
the_pins_of_cloudflare_are_those_of_the_installed_roots_head() {
	atf_set require.progs openssl
	atf_set require.files $bundle
}
the_pins_of_cloudflare_are_those_of_the_installed_roots_body() {
	roots >known
	pins_of 'SSL.com Root Certification Authority ECC' \
	    'SSL.com Root Certification Authority RSA' \
	    'DigiCert Global Root CA' 'DigiCert Global Root G2' \
	    'DigiCert Global Root G3' >computed
	for name in cloudflare cloudflare-security cloudflare-family; do
		pins_printed $name >given
		atf_check -o file:computed cat given
	done
}

atf_test_case the_pins_of_quad9_are_those_of_the_installed_roots
the_pins_of_quad9_are_those_of_the_installed_roots_head() {
	atf_set require.progs openssl
	atf_set require.files $bundle
}
the_pins_of_quad9_are_those_of_the_installed_roots_body() {
	roots >known
	pins_of 'DigiCert Global Root CA' 'DigiCert Global Root G2' \
	    'DigiCert Global Root G3' >computed
	for name in quad9 quad9-unsecured quad9-ecs; do
		pins_printed $name >given
		atf_check -o file:computed cat given
	done
}

# As the providers' own pages have them.
atf_test_case each_built_in_upstream_prints_its_addresses_and_its_name
each_built_in_upstream_prints_its_addresses_and_its_name_body() {
	while read -r name host a b c d; do
		cat >wanted <<-EOF
		upstream "$name" {
		address $a port 853
		address $b port 853
		address $c port 853
		address $d port 853
		name "$host"
		EOF
		printed "$name" | tr -d '\t' | grep -v '^pin ' |
			sed '$d' >given
		atf_check -o file:wanted cat given
		case $name in
		cleanbrowsing-*)
			pins_printed "$name" >given
			atf_check cat given
			;;
		esac
	done <<-'EOF'
	cloudflare one.one.one.one 1.1.1.1 1.0.0.1 2606:4700:4700::1111 2606:4700:4700::1001
	cloudflare-security security.cloudflare-dns.com 1.1.1.2 1.0.0.2 2606:4700:4700::1112 2606:4700:4700::1002
	cloudflare-family family.cloudflare-dns.com 1.1.1.3 1.0.0.3 2606:4700:4700::1113 2606:4700:4700::1003
	quad9 dns.quad9.net 9.9.9.9 149.112.112.112 2620:fe::fe 2620:fe::9
	quad9-unsecured dns10.quad9.net 9.9.9.10 149.112.112.10 2620:fe::10 2620:fe::fe:10
	quad9-ecs dns11.quad9.net 9.9.9.11 149.112.112.11 2620:fe::11 2620:fe::fe:11
	cleanbrowsing-family family-filter-dns.cleanbrowsing.org 185.228.168.168 185.228.169.168 2a0d:2a00:1:: 2a0d:2a00:2::
	cleanbrowsing-adult adult-filter-dns.cleanbrowsing.org 185.228.168.10 185.228.169.11 2a0d:2a00:1::1 2a0d:2a00:2::1
	cleanbrowsing-security security-filter-dns.cleanbrowsing.org 185.228.168.9 185.228.169.9 2a0d:2a00:1::2 2a0d:2a00:2::2
	EOF
}

atf_init_test_cases() {
	atf_add_test_case \
	    the_pins_of_cloudflare_are_those_of_the_installed_roots
	atf_add_test_case the_pins_of_quad9_are_those_of_the_installed_roots
	atf_add_test_case \
	    each_built_in_upstream_prints_its_addresses_and_its_name
}
